"""Reports and hashes: what was found in a file, and what became of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from registry.models import Finding, Waiver
from registry.storage import blob_store
from tests.factories import BlobFactory, InspectionFactory, ModelFileFactory, ModeratorFactory, UploadFactory

pytestmark = pytest.mark.django_db


def report_on(client, file):
    client.force_login(file.version.model.owner)
    return client.get(reverse("registry:file-report", args=[file.pk])).content.decode()


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("safe", "Nothing but tensors and known constructors."),
        ("check", "A moderator may let it through"),
        ("blocked", "could run code when it is loaded"),
        ("unreadable", "is broken, or is not what it claims to be"),
    ],
)
def test_a_verdict_is_explained(client, verdict, says):
    assert says in report_on(client, ModelFileFactory(blob=BlobFactory(verdict=verdict)))


def test_findings_are_shown_with_their_place(client):
    file = ModelFileFactory(blob=BlobFactory(verdict="blocked"))
    Finding.objects.create(
        blob=file.blob, rule="import.blocked", level="blocked", subject="os.system", offset=12, opcode="GLOBAL",
        member="archive/data.pkl", preview="<b>", message="Would call os.system when it is loaded.",
    )  # fmt: skip

    text = report_on(client, file)

    for part in ("os.system", "archive/data.pkl", "byte 12", "GLOBAL", "Would call os.system"):
        assert part in text
    assert "<b></code>" not in text


def test_a_finding_is_said_in_the_readers_language_where_its_rule_is_known(client):
    file = ModelFileFactory(blob=BlobFactory(verdict="unreadable"))
    finding = {"blob": file.blob, "level": "unreadable", "message": "In English."}
    Finding.objects.create(rule="executable", params={"kind": "ELF"}, **finding)
    Finding.objects.create(rule="executable", params={}, **finding)
    Finding.objects.create(rule="a_rule_of_old", params={}, **finding)
    client.cookies["django_language"] = "de"

    text = report_on(client, file)

    assert "Das ist ein Programm (ELF), kein Modell." in text
    assert text.count("In English.") == 2


def test_a_running_inspection_shows_how_far_it_is(client):
    upload = UploadFactory(state="inspecting", size=1000)
    InspectionFactory(upload=upload, state="running", step="hashing", bytes_read=400)
    file = ModelFileFactory(blob=None, upload=upload, version__model__owner=upload.owner)

    text = report_on(client, file)

    assert 'max="1000" value="400"' in text
    assert "Computing hashes" in text


def test_a_failed_upload_says_why(client):
    upload = UploadFactory(state="failed", error={"code": "sha256", "field": "sha256", "detail": "The sum differs."})
    file = ModelFileFactory(blob=None, upload=upload, version__model__owner=upload.owner)

    assert "The sum differs." in report_on(client, file)


def test_what_the_file_holds_is_listed(client):
    facts = {"tensors": 2515, "parameters": 3_469_000_000, "dtypes": {"F16": 1.0}, "metadata": {"ss_network_dim": "32"}}

    text = report_on(client, ModelFileFactory(blob=BlobFactory(facts=facts)))

    for part in ("3,469,000,000", "F16 100%", "ss_network_dim"):
        assert part in text


@pytest.mark.parametrize("value", ["zz", "0", "deadbeef", "x" * 3000], ids=["letters", "short", "unknown", "endless"])
def test_what_is_no_known_hash_is_not_found(client, value):
    assert client.get(reverse("registry:hash", args=[value])).status_code == 404


def test_a_hash_is_found_in_any_case_and_by_each_of_its_kinds(client):
    file = ModelFileFactory(published=True)
    file.version.model.subject.is_public = True
    file.version.model.subject.save()

    for value in (file.blob_id.upper(), file.blob_id[:10]):
        assert file.version.model.title in client.get(reverse("registry:hash", args=[value])).content.decode()


# The bytes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored():
    """A public file whose bytes the store holds."""
    content = b"the bytes of a model"
    file = ModelFileFactory(published=True, blob=BlobFactory(content=content), name="ink v1.safetensors")
    blob_store().put(file.blob.key, content, "application/octet-stream")
    return file


def body(answer):
    return b"".join(answer.streaming_content)


def test_a_download_is_the_same_bytes_under_its_name(client, stored):
    answer = client.get(reverse("registry:download", args=[stored.pk, stored.name]))

    assert body(answer) == b"the bytes of a model"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ink v1.safetensors"'
    assert answer.headers["ETag"] == f'"{stored.blob_id}"'


def test_a_download_can_be_continued(client, stored):
    answer = client.get(reverse("registry:download", args=[stored.pk, stored.name]), headers={"Range": "bytes=4-"})

    assert answer.status_code == 206
    assert body(answer) == b"bytes of a model"


@pytest.mark.parametrize("verdict", ["check", "blocked", "unreadable", "pending"])
@pytest.mark.parametrize("person", ["anonymous", "owner"])
def test_nothing_without_a_passing_verdict_is_sent_to_anyone(client, stored, verdict, person):
    stored.blob.verdict = verdict
    stored.blob.save()
    if person == "owner":
        client.force_login(stored.version.model.owner)

    answer = client.get(reverse("registry:download", args=[stored.pk, stored.name]))

    assert answer.status_code == 403
    assert b"the bytes of a model" not in answer.content


def test_a_file_that_was_let_through_is_asked_about_first(client, stored):
    stored.blob.verdict = "check"
    stored.blob.save()
    Waiver.objects.create(file=stored, granted_by=ModeratorFactory(), reason="A harmless constructor.")
    Finding.objects.create(blob=stored.blob, rule="x", level="check", subject="typing.Any", message="Not on the list.")
    address = reverse("registry:download", args=[stored.pk, stored.name])

    asked = client.get(address)

    assert asked.status_code == 403
    assert "A harmless constructor." in asked.content.decode()
    assert "typing.Any" in asked.content.decode()
    assert body(client.get(address, {"confirm": "check"})) == b"the bytes of a model"


def test_a_drafts_file_is_not_there_for_strangers(client):
    file = ModelFileFactory()

    assert client.get(reverse("registry:download", args=[file.pk, file.name])).status_code == 404
