"""The page on which files become a draft."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import ModelVersion, RegisteredModel, Upload
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, UploadFactory, UserFactory

FORM = {
    "title": "Tidewater Ink",
    "name": "",
    "type": "lora",
    "description": "Ink.",
    "tags": "ink, wash",
    "license": "CC0-1.0",
    "license_text": "",
    **{
        f"may_{right}": "yes"
        for right in ("commercial_images", "merges", "no_credit", "commercial_service", "sell", "relicense")
    },
    "version-name": "v1.0",
    "version-base_model": "SD 1.5",
    "version-trained_words": "tidewater",
    "version-notes": "",
}


@pytest.fixture
def client(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_form_begins_a_model_with_a_draft(client, person):
    answer = client.post(reverse("registry:upload"), FORM)

    version = ModelVersion.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/upload?version={version.pk}")
    assert (version.model.owner, version.model.title, version.state) == (person, "Tidewater Ink", "draft")
    assert (version.base_model, version.trained_words) == ("SD 1.5", ["tidewater"])


def test_nothing_is_chosen_for_the_author(client):
    shown = page(client.get(reverse("registry:upload")))

    assert "checked" not in shown
    assert '<option value="" selected>' in shown


def test_the_uploads_that_the_form_names_join_the_draft_and_nobody_elses(client, person):
    mine = UploadFactory(owner=person, blob=BlobFactory(), name="lights.safetensors")
    waiting = UploadFactory(owner=person, state=Upload.State.COMPLETE, name="more.safetensors")
    theirs = UploadFactory(blob=BlobFactory())

    client.post(reverse("registry:upload"), {**FORM, "uploads": [mine.pk, waiting.pk, theirs.pk, "nonsense", mine.pk]})

    files = ModelVersion.objects.get().files.all()
    assert [(file.name, file.upload) for file in files] == [(row.name, row) for row in (mine, waiting)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": ""}, "id_title"),
        ({"title": "灯"}, "id_name"),
        ({"type": "spaceship"}, "id_type"),
        ({"version-name": ""}, "id_version-name"),
        ({"version-name": "a\nb\x07"}, "id_version-name"),
        ({"version-base_model": "SD 99"}, "id_version-base_model"),
        ({"title": "x" * 10_000}, "id_title"),
        ({"may_sell": ""}, "id_may_sell"),
        ({"license": "none at all"}, "id_license"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refused_form_says_so_at_the_field_and_makes_nothing(client, change, said):
    answer = client.post(reverse("registry:upload"), {**FORM, **change})

    assert answer.status_code == 400
    assert re.search(rf'id="{said}[^>]*aria-invalid="true"|aria-describedby="[^"]*{said}_error', page(answer))
    assert not RegisteredModel.objects.exists()


def test_an_upload_that_cannot_join_undoes_the_whole_draft(client, person):
    receiving = UploadFactory(owner=person, state=Upload.State.RECEIVING)

    answer = client.post(reverse("registry:upload"), {**FORM, "uploads": [receiving.pk]})

    assert answer.status_code == 400
    assert not RegisteredModel.objects.exists()


def test_the_page_of_a_draft_lists_files_and_what_is_missing(client, person):
    version = ModelVersionFactory(model__owner=person, base_model="")
    ModelFileFactory(version=version, name="lights.safetensors")

    shown = page(client.get(f"/upload?version={version.pk}"))

    assert "lights.safetensors" in shown
    assert f'data-version="{version.pk}"' in shown
    assert "Choose the base model" in shown


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 200), ("stranger", 404), ("anonymous", 302), ("nothing", 404), ("nonsense", 404)]
)
def test_only_its_owner_adds_to_a_draft(client, person, who, status):
    version = ModelVersionFactory(model__owner=person if who == "owner" else UserFactory())
    address = f"/upload?version={ {'nothing': 10**9, 'nonsense': '٤x'}.get(who, version.pk) }"

    answer = (Client() if who == "anonymous" else client).get(address)

    assert answer.status_code == status


def test_a_public_version_of_somebody_else_is_seen_but_not_added_to(client):
    version = ModelVersionFactory(published=True)

    assert client.get(f"/upload?version={version.pk}").status_code == 403


def test_uploads_that_stand_nowhere_are_shown_to_go_on_with(client, person):
    loose = UploadFactory(owner=person, state=Upload.State.RECEIVING, name="loose.safetensors")
    UploadFactory(name="theirs.safetensors", state=Upload.State.RECEIVING)
    attached = ModelFileFactory(version__model__owner=person).upload

    shown = page(client.get(f"/upload?upload={loose.pk}"))

    assert "loose.safetensors" in shown
    assert "Choose the same file again" in shown
    assert "theirs.safetensors" not in shown
    assert attached.name not in shown


def test_without_scripts_the_page_says_how_to_send_files(client):
    shown = page(client.get("/upload"))

    assert "<noscript>" in shown
    assert "http://testserver/api/safelight/v1/" in shown
