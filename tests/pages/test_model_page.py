"""The page of a model: which version, which file, what one may do, and what each person may do here."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from django.urls import reverse

from registry.services.catalog import edit_model
from tests.factories import (
    BlobFactory,
    ModelFileFactory,
    ModelVersionFactory,
    RegisteredModelFactory,
    UploadFactory,
    UserFactory,
    VersionPreviewFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    """A published version of mira's model, with one safe file."""
    model = RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")
    made = ModelVersionFactory(published=True, model=model, name="v1")
    ModelFileFactory(version=made, name="ink-v1.safetensors", is_primary=True)
    return made


def see(client, version, query=""):
    return client.get(version.model.get_absolute_url() + query)


def test_the_newest_published_version_is_shown_not_a_newer_draft(client, version):
    ModelVersionFactory(model=version.model, name="v2")
    client.force_login(version.model.owner)

    assert see(client, version).context["version"] == version


@pytest.mark.parametrize("asked", ["999999", "x", "", "-1", "1e9"])
def test_a_version_that_is_not_there_falls_away(client, version, asked):
    assert see(client, version, f"?version={asked}").context["version"] == version


def test_a_draft_of_a_public_model_is_not_offered_to_strangers(client, version):
    draft = ModelVersionFactory(model=version.model, name="secret-v2")

    answer = see(client, version, f"?version={draft.pk}")

    assert answer.context["version"] == version
    assert "secret-v2" not in answer.content.decode()


def test_a_former_name_leads_to_the_new_one(client, version):
    edit_model(version.model, by=version.model.owner, name="tidewater")

    assert client.get("/mira/ink").headers["Location"] == "/mira/tidewater"


def test_a_former_name_keeps_the_version_that_was_asked_for(client, version):
    edit_model(version.model, by=version.model.owner, name="tidewater")

    assert client.get(f"/mira/ink?version={version.pk}").headers["Location"] == f"/mira/tidewater?version={version.pk}"


def test_a_former_name_says_nothing_of_what_is_hidden_now(client, version):
    edit_model(version.model, by=version.model.owner, name="tidewater")
    version.model.subject.is_public = False
    version.model.subject.save()

    assert client.get("/mira/ink").status_code == 404


def test_another_spelling_of_the_address_leads_to_the_one(client, version):
    assert client.get("/MIRA/Ink").headers["Location"] == "/mira/ink"


def test_the_authors_choice_is_the_large_button_and_the_rest_are_choices(client, version):
    other = ModelFileFactory(version=version, name="full.safetensors")

    context = see(client, version).context

    assert context["primary"].file.name == "ink-v1.safetensors"
    assert [choice.file for choice in context["choices"]] == [other]


@pytest.mark.parametrize("verdict", ["check", "blocked", "unreadable"])
def test_a_file_without_a_passing_verdict_has_a_report_and_no_download(client, verdict):
    file = ModelFileFactory(blob=BlobFactory(verdict=verdict), is_primary=True)
    client.force_login(file.version.model.owner)

    answer = see(client, file.version)

    assert answer.context["primary"] is None
    assert reverse("registry:file-report", args=[file.pk]) in answer.content.decode()
    assert reverse("registry:download", args=[file.pk, file.name]) not in answer.content.decode()


def test_facts_of_a_file_are_said_in_words(client, version):
    facts = {"recognition": {"model_type": "lora", "precision": "fp16", "pruned": True}}
    ModelFileFactory(version=version, blob=BlobFactory(facts=facts), name="b.safetensors")

    assert "SafeTensors, fp16, pruned" in see(client, version).content.decode()


def test_declared_and_detected_stand_side_by_side_where_they_differ(client, version):
    facts = {"recognition": {"model_type": "checkpoint", "base_model": "SDXL 1.0", "base_candidates": []}}
    version.files.all().delete()
    ModelFileFactory(version=version, blob=BlobFactory(facts=facts), is_primary=True)

    text = see(client, version).content.decode()

    assert "The file looks like: Checkpoint" in text
    assert "The file looks like: SDXL 1.0" in text


def test_a_base_model_that_the_file_leaves_open_is_not_contradicted(client, version):
    facts = {"recognition": {"model_type": "lora", "base_model": None, "base_candidates": ["SD 1.4", "SD 1.5"]}}
    version.files.all().delete()
    ModelFileFactory(version=version, blob=BlobFactory(facts=facts), is_primary=True)

    assert "The file looks like" not in see(client, version).content.decode()


def test_what_one_may_do_is_what_the_version_came_out_with(client, version):
    version.permissions, version.license = 0, "CC-BY-4.0"
    version.save()

    rights = see(client, version).context["rights"]

    assert not any(line.allowed for line in rights.lines)
    assert "Name the author." in rights.duties


def test_a_license_that_refuses_more_than_the_author_is_named(client, version):
    version.license = "CC-BY-NC-4.0"
    version.save()

    assert "refused by CC BY-NC 4.0" in see(client, version).content.decode()


def test_words_to_copy_and_where_the_file_goes(client, version):
    text = see(client, version).content.decode()

    assert 'data-copy="tidewater"' in text
    assert "&lt;lora:ink-v1:0.8&gt;" in text
    assert "models/loras" in text


def test_the_line_for_a_terminal_is_quoted_and_whole(client, version):
    version.files.all().delete()
    file = ModelFileFactory(version=version, name="it's $(here).safetensors", is_primary=True)

    line = see(client, version).context["curl"]

    address = "http://testserver" + reverse("registry:download", args=[file.pk, file.name])
    assert shlex.split(line)[-1] == address


def test_pictures_above_the_level_are_counted_not_shown(client, version):
    VersionPreviewFactory(version=version, rating=1, alt="Seen")
    VersionPreviewFactory(version=version, rating=8, alt="Unseen")

    text = see(client, version).content.decode()

    assert "Seen" in text
    assert "Unseen" not in text
    assert "1 picture is hidden by your settings." in text


def test_a_description_cannot_bring_a_script(client, version):
    version.model.description = '<script>x</script>[a](javascript:alert(1)) <img src=x onerror="x">'
    version.model.save()

    text = see(client, version).content.decode()

    assert "<script>x" not in text
    assert 'href="javascript:' not in text
    assert "<img src=x" not in text


def test_the_draft_lists_all_that_is_missing_to_its_owner(client):
    version = ModelVersionFactory(model=RegisteredModelFactory(license="", permissions=None), base_model="")
    client.force_login(version.model.owner)

    text = see(client, version).content.decode()

    for missing in (
        "Choose a license.",
        "Say what others may do with it.",
        "Choose the base model",
        "at least one file",
    ):
        assert missing in text


def test_a_file_that_is_being_inspected_is_watched(client):
    upload = UploadFactory(state="inspecting")
    file = ModelFileFactory(blob=None, upload=upload, version__model__owner=upload.owner)
    client.force_login(upload.owner)

    text = see(client, file.version).content.decode()

    assert 'hx-trigger="every 2s"' in text
    assert "Being inspected" in text


def test_nothing_is_watched_once_all_is_judged(client, version):
    assert "every 2s" not in see(client, version).content.decode()


@pytest.mark.parametrize("type", ["checkpoint", "other", "hypernetwork", "embedding"])
def test_every_type_has_a_page(client, version, type):
    version.model.type = type
    version.model.save()

    assert see(client, version).status_code == 200


def test_more_files_and_pictures_need_no_more_queries(client, version, django_assert_max_num_queries):
    def counted():
        with django_assert_max_num_queries(60) as queries:
            see(client, version)
        return len(queries)

    VersionPreviewFactory(version=version)
    few = counted()
    for _more in range(4):
        ModelFileFactory(version=version)
        VersionPreviewFactory(version=version)
        ModelVersionFactory(published=True, model=version.model, published_at=version.published_at - timedelta(days=1))

    assert counted() == few
