"""Forms of owners and moderators: they fill themselves, name what was wrong, and do what they say."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.models import ModerationAct
from registry.models import ModelVersion, RegisteredModel, Tombstone
from tests.factories import (
    BlobFactory,
    ModelFileFactory,
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    UploadFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
RIGHTS = ("no_credit", "commercial_images", "commercial_service", "sell", "merges", "relicense")


@pytest.fixture
def draft(client):
    """A draft that lacks nothing; its owner is logged in."""
    version = ModelVersionFactory(model=RegisteredModelFactory(owner=UserFactory(username="mira"), name="ink"))
    ModelFileFactory(version=version, is_primary=True)
    client.force_login(version.model.owner)
    return version


def words(**changes):
    """What the form of a model sends."""
    said = {"title": "Ink", "name": "ink", "type": "lora", "description": "", "tags": "ink, wash", "license": "MIT"}
    return said | {f"may_{right}": "yes" for right in RIGHTS} | changes


def test_the_form_shows_what_the_model_has(client, draft):
    text = client.get("/mira/ink/edit").content.decode()

    assert f'value="{draft.model.title}"' in text
    assert text.count("checked") == 6


def test_no_permission_is_answered_beforehand(client, draft):
    draft.model.permissions = None
    draft.model.save()

    assert "checked" not in client.get("/mira/ink/edit").content.decode()


def test_editing_changes_what_is_said(client, draft):
    answer = client.post("/mira/ink/edit", words(title="Tidewater", may_sell="no"))

    model = RegisteredModel.objects.get(pk=draft.model.pk)
    assert answer.headers["Location"] == "/mira/ink"
    assert (model.title, model.license, sorted(tag.name for tag in model.tags.all())) == (
        "Tidewater",
        "MIT",
        ["ink", "wash"],
    )
    assert model.permissions == 0b110111


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "two\x00words"}, "title"),
        ({"type": "spell"}, "type"),
        ({"license": "Mine-1.0"}, "license"),
        ({"name": "not/a/name"}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"tags": ",".join(f"tag{n}" for n in range(31))}, "tags"),
        ({"may_sell": ""}, "may_sell"),
        ({"may_sell": "perhaps"}, "may_sell"),
    ],
    ids=["no title", "long title", "NUL", "type", "license", "name", "endless name", "tags", "unanswered", "neither"],
)
def test_a_bad_value_is_named_at_its_field_and_changes_nothing(client, draft, changes, field):
    before = RegisteredModel.objects.filter(pk=draft.model.pk).values().get()

    answer = client.post("/mira/ink/edit", words(**changes))

    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert f"id_{field}_error" in answer.content.decode()
    assert RegisteredModel.objects.filter(pk=draft.model.pk).values().get() == before


def test_a_name_that_is_taken_is_said_at_its_field(client, draft):
    RegisteredModelFactory(owner=draft.model.owner, name="wash")

    answer = client.post("/mira/ink/edit", words(name="Wash"))

    assert "name" in answer.context["form"].errors


def test_a_new_version_is_a_draft(client, draft):
    answer = client.post(
        "/mira/ink/versions/new", {"name": "v9", "base_model": "SD 1.5", "trained_words": "a b\n\n c "}
    )

    made = ModelVersion.objects.get(name="v9")
    assert answer.headers["Location"] == reverse("registry:version-edit", args=[made.pk])
    assert (made.state, made.trained_words) == ("draft", ["a b", "c"])


def test_a_version_name_that_is_taken_is_said_at_its_field(client, draft):
    answer = client.post("/mira/ink/versions/new", {"name": draft.name.upper()})

    assert answer.status_code == 400
    assert "name" in answer.context["form"].errors


def test_a_version_can_be_edited(client, draft):
    client.post(f"/versions/{draft.pk}/edit", {"name": "v1.1", "base_model": "SDXL 1.0", "notes": "Better."})

    draft.refresh_from_db()
    assert (draft.name, draft.base_model, draft.notes, draft.trained_words) == ("v1.1", "SDXL 1.0", "Better.", [])


def test_publishing_makes_it_public(client, draft):
    answer = client.post(f"/versions/{draft.pk}/publish", follow=True)

    assert "Published." in answer.content.decode()
    client.logout()
    assert client.get("/mira/ink").status_code == 200


def test_publishing_too_early_goes_back_to_the_list_of_what_is_missing(client, draft):
    ModelFileFactory(version=draft, blob=BlobFactory(verdict="blocked"), name="bad.ckpt")

    answer = client.post(f"/versions/{draft.pk}/publish", follow=True)

    draft.refresh_from_db()
    assert draft.state == "draft"
    assert "“bad.ckpt” could run code" in answer.content.decode()


def test_withdrawing_needs_a_reason(client, draft):
    client.post(f"/versions/{draft.pk}/publish")

    refused = client.post(f"/versions/{draft.pk}/withdraw", {"reason": " "})
    client.post(f"/versions/{draft.pk}/withdraw", {"reason": "A seam at 3:1."})

    draft.refresh_from_db()
    assert "reason" in refused.context["form"].errors
    assert (draft.state, draft.withdrawn_reason) == ("withdrawn", "A seam at 3:1.")


def test_withdrawing_a_draft_is_refused_in_words(client, draft):
    answer = client.post(f"/versions/{draft.pk}/withdraw", {"reason": "Because."})

    assert answer.status_code == 400
    assert "A draft was never public" in answer.content.decode()


def test_deleting_a_public_model_leaves_its_hash(client, draft):
    client.post(f"/versions/{draft.pk}/publish")
    sha256 = draft.files.get().blob_id

    answer = client.post("/mira/ink/delete", {"reason": "Made anew."})

    assert answer.headers["Location"] == "/my"
    assert Tombstone.objects.count() == 1
    text = client.get(f"/hashes/{sha256}").content.decode()
    assert "Deleted by its author." in text
    assert "Made anew." in text


def test_deleting_a_draft_needs_no_reason(client, draft):
    client.post(f"/versions/{draft.pk}/delete", {"reason": ""})

    assert not ModelVersion.objects.filter(pk=draft.pk).exists()


def test_a_moderator_takes_down_and_puts_back_with_reasons(client, draft):
    client.post(f"/versions/{draft.pk}/publish")
    client.force_login(ModeratorFactory())

    client.post("/mira/ink/take-down", {"reason": "Stolen pictures."})
    client.logout()
    assert client.get("/mira/ink").status_code == 404
    assert "Stolen pictures." in client.get(f"/hashes/{draft.files.get().blob_id}").content.decode()

    client.force_login(ModeratorFactory())
    client.post("/mira/ink/take-down", {"reason": "They were hers."})
    client.logout()
    assert client.get("/mira/ink").status_code == 200
    assert list(ModerationAct.objects.order_by("pk").values_list("act", flat=True)) == [
        "model.take_down",
        "model.restore",
    ]


def test_the_owner_reads_why_it_was_taken_down(client, draft):
    owner = draft.model.owner
    client.post(f"/versions/{draft.pk}/publish")
    client.force_login(ModeratorFactory())
    client.post("/mira/ink/take-down", {"reason": "Stolen pictures."})
    client.force_login(owner)

    assert "Stolen pictures." in client.get("/mira/ink").content.decode()


def test_my_work_lists_drafts_uploads_and_published_models(client, draft):
    owner = draft.model.owner
    UploadFactory(owner=owner, name="half-sent.safetensors", state="receiving")
    UploadFactory(name="somebody-elses.safetensors", state="receiving")
    shown = ModelVersionFactory(published=True, model=RegisteredModelFactory(public=True, owner=owner, title="Out"))

    text = client.get("/my").content.decode()

    assert "half-sent.safetensors" in text
    assert "somebody-elses" not in text
    assert draft.model.title in text
    assert shown.model.title in text


@pytest.mark.parametrize(("state", "is_watched"), [("inspecting", True), ("complete", True), ("receiving", False)])
def test_an_upload_that_changes_by_itself_is_watched(client, state, is_watched):
    owner = UserFactory()
    UploadFactory(owner=owner, state=state)
    client.force_login(owner)

    assert ('hx-trigger="every 3s"' in client.get("/my").content.decode()) is is_watched


def test_nothing_of_ones_own_says_what_will_stand_here(client):
    client.force_login(UserFactory())

    assert "Nothing here yet" in client.get("/my").content.decode()


def test_my_work_tells_of_published_files_that_new_rules_block(client):
    file = ModelFileFactory(published=True, name="stopped.ckpt", blob__verdict="blocked")
    client.force_login(file.version.model.owner)

    text = client.get("/my").content.decode()

    assert "No longer served" in text
    assert "stopped.ckpt" in text
