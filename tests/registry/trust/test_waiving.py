"""Files that are not plainly safe: let through by a moderator, judged again by new rules, doubted by other engines."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import ModerationAct
from registry.engines.opinion import Opinion, Outcome
from registry.models import EngineOpinion, Finding
from registry.policies import can_serve
from registry.services.opinions import is_graver_elsewhere, keep_opinions, settled_verdict
from registry.services.publishing import publish_version, unmet_publishing_checks
from registry.services.rejudging import outdated_blobs, rejudge_blob, rejudge_blobs
from registry.services.waiving import grant_waiver, void_waivers, withdraw_waiver
from tests.factories import ModelFileFactory, ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db

IMPORT = {
    "use": "import",
    "module": "argparse_like.thing",
    "name": "Namespace",
    "arguments": [],
    "params": {},
    "member": "data.pkl",
    "offset": 12,
    "opcode": "GLOBAL",
    "preview": "",
}


def doubtful_file(**options):
    file = ModelFileFactory(blob__verdict="check", blob__evidence=[IMPORT], blob__rules_version="old", **options)
    Finding.objects.create(
        blob=file.blob,
        rule="import_unknown",
        level="check",
        subject="argparse_like.thing.Namespace",
        message="Unknown.",
    )
    return file


def test_a_waiver_opens_publishing_and_serving(client):
    file, moderator = doubtful_file(), ModeratorFactory()
    owner = file.version.model.owner
    assert [check.code for check in unmet_publishing_checks(file.version)] != []

    waiver = grant_waiver(file, "Read it: plain settings.", by=moderator)
    publish_version(file.version, by=owner)

    file.refresh_from_db()
    assert can_serve(file, UserFactory()).needs_confirmation
    assert waiver.findings == [["import_unknown", "argparse_like.thing.Namespace"]]
    act = ModerationAct.objects.get(act="file.waive")
    assert (act.actor, act.target, act.reason) == (moderator, f"file:{file.pk}", "Read it: plain settings.")


def test_granting_twice_is_granting_once():
    file, moderator = doubtful_file(), ModeratorFactory()

    first = grant_waiver(file, "Read it.", by=moderator)
    second = grant_waiver(file, "Again.", by=moderator)

    assert first == second
    assert ModerationAct.objects.count() == 1


@pytest.mark.parametrize("verdict", ["safe", "blocked", "unreadable", "pending"])
def test_only_check_can_be_let_through(verdict):
    file = ModelFileFactory(blob__verdict=verdict)

    with pytest.raises(Conflict, match="check"):
        grant_waiver(file, "Please.", by=ModeratorFactory())


def test_owners_and_strangers_grant_nothing():
    file = doubtful_file()

    for person in (file.version.model.owner, UserFactory()):
        with pytest.raises(NotAllowed):
            grant_waiver(file, "Mine is fine.", by=person)


def test_a_reason_is_needed():
    with pytest.raises(InvalidInput) as refusal:
        grant_waiver(doubtful_file(), "  ", by=ModeratorFactory())

    assert refusal.value.field == "reason"


def test_a_new_finding_voids_a_waiver_and_an_old_one_does_not():
    file, moderator = doubtful_file(published=True), ModeratorFactory()
    grant_waiver(file, "Read it.", by=moderator)
    assert void_waivers(file.blob) == 0

    Finding.objects.create(blob=file.blob, rule="import_unknown", level="check", subject="other.thing", message="New.")

    assert void_waivers(file.blob) == 1
    file.refresh_from_db()
    assert can_serve(file, UserFactory()).refusal == "check"


def test_a_withdrawn_waiver_serves_no_longer():
    file, moderator = doubtful_file(published=True), ModeratorFactory()
    grant_waiver(file, "Read it.", by=moderator)

    withdraw_waiver(file, "Wrong.", by=moderator)

    file.refresh_from_db()
    assert not can_serve(file, UserFactory()).allowed


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        pytest.param([], "safe", id="nothing left to say"),
        pytest.param([{**IMPORT, "module": "os", "name": "system"}], "blocked", id="now known as a gadget"),
    ],
)
def test_new_rules_judge_stored_evidence_without_the_bytes(evidence, verdict):
    file = doubtful_file(published=True)
    file.blob.evidence = evidence
    file.blob.save()

    assert list(rejudge_blobs(outdated_blobs())) == [(file.blob.pk, "check", verdict)]

    file.blob.refresh_from_db()
    assert file.blob.verdict == verdict
    assert not outdated_blobs().exists()


def test_a_published_file_that_new_rules_block_is_served_no_more_and_its_owner_told(
    mailoutbox, django_capture_on_commit_callbacks
):
    file = doubtful_file(published=True)
    file.blob.verdict, file.blob.evidence = "safe", [{**IMPORT, "module": "os", "name": "system"}]
    file.blob.save()
    assert can_serve(file, UserFactory()).allowed

    with django_capture_on_commit_callbacks(execute=True):
        rejudge_blob(file.blob)

    file.refresh_from_db()
    assert can_serve(file, UserFactory()).refusal == "blocked"
    (mail,) = mailoutbox
    assert mail.to == [file.version.model.owner.email]
    assert file.name in mail.subject
    assert f"/files/{file.pk}/report" in mail.body


def test_a_virus_scanners_hit_blocks_and_no_other_engine_decides():
    hit = Opinion("ClamAV", "1", Outcome.HIT, ("Eicar",))
    doubt = Opinion("picklescan", "1", Outcome.HIT, ("torch.device",))

    assert settled_verdict("safe", [doubt]) == "safe"
    assert settled_verdict("safe", [hit, doubt]) == "blocked"


def test_a_graver_opinion_brings_a_file_before_moderators(client):
    file = ModelFileFactory(published=True)
    keep_opinions(file.blob, [Opinion("picklescan", "1.0.5", Outcome.HIT, ("torch.device",))])
    assert is_graver_elsewhere(file.blob)
    client.force_login(ModeratorFactory())

    page = client.get(reverse("registry:files-to-look-at")).content.decode()

    assert file.name in page
    assert "torch.device" in page


def test_an_engine_asked_again_replaces_its_answer():
    blob = ModelFileFactory().blob
    keep_opinions(blob, [Opinion("ClamAV", "1", Outcome.FAILED, ("gone",))])
    keep_opinions(blob, [Opinion("ClamAV", "2", Outcome.CLEAN)])

    opinion = EngineOpinion.objects.get(blob=blob)

    assert (opinion.version, opinion.outcome, opinion.details) == ("2", "clean", [])


@pytest.mark.parametrize(
    ("person", "status"), [("anonymous", 302), ("stranger", 403), ("owner", 403), ("moderator", 200)]
)
def test_who_sees_the_list_of_moderators(client, person, status):
    file = doubtful_file()
    people = {"stranger": UserFactory(), "owner": file.version.model.owner, "moderator": ModeratorFactory()}
    if person in people:
        client.force_login(people[person])

    assert client.get(reverse("registry:files-to-look-at")).status_code == status


@pytest.mark.parametrize(("person", "status"), [("stranger", 404), ("owner", 403), ("moderator", 302)])
def test_who_may_let_a_drafts_file_through_on_its_page(client, person, status):
    file = doubtful_file()
    people = {"stranger": UserFactory(), "owner": file.version.model.owner, "moderator": ModeratorFactory()}
    client.force_login(people[person])

    answer = client.post(reverse("registry:file-waiver", args=[file.pk]), {"reason": "Read it.", "act": "grant"})

    assert answer.status_code == status
    assert file.waivers.exists() == (person == "moderator")


def test_the_report_shows_the_waiver_the_opinions_and_what_was_not_looked_at(client):
    file = doubtful_file(published=True, blob__facts={"skipped": ["data/7: encrypted"]})
    grant_waiver(file, "Read it.", by=ModeratorFactory())
    keep_opinions(file.blob, [Opinion("ClamAV", "ClamAV 1.4.3", Outcome.CLEAN)])

    page = client.get(reverse("registry:file-report", args=[file.pk])).content.decode()

    assert "Read it." in page
    assert "ClamAV 1.4.3" in page
    assert "data/7: encrypted" in page
    assert "<form class" not in page.partition("<main")[2]


def test_a_waiver_without_a_reason_brings_the_form_back(client):
    file = doubtful_file()
    client.force_login(ModeratorFactory())

    answer = client.post(reverse("registry:file-waiver", args=[file.pk]), {"reason": ""})

    assert answer.status_code == 400
    assert not file.waivers.exists()


def test_programs_grant_and_withdraw_waivers(client):
    file = doubtful_file(published=True)
    client.force_login(ModeratorFactory())
    address = reverse("api-file-waiver", args=[file.pk])

    granted = client.post(address, {"reason": "Read it."}, "application/json")
    report = client.get(reverse("api-file", args=[file.pk])).json()
    ended = client.delete(address, {"reason": "Wrong."}, "application/json")

    assert (granted.status_code, ended.status_code) == (201, 204)
    assert granted.json()["findings"] == [["import_unknown", "argparse_like.thing.Namespace"]]
    assert report["waived"] is True


def test_the_report_names_copies_with_another_header_that_the_viewer_may_see(client):
    file = ModelFileFactory(published=True, blob__fingerprint="f" * 64)
    ModelFileFactory(published=True, name="copy.safetensors", blob__fingerprint="f" * 64)
    ModelFileFactory(name="hidden.safetensors", blob__fingerprint="f" * 64)

    page = client.get(reverse("registry:file-report", args=[file.pk])).content.decode()

    assert "copy.safetensors" in page
    assert "hidden.safetensors" not in page
