"""The demo on a site: everything through the doors that everybody uses."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.test import Client

from community.models import Comment, User
from registry.demo import planting
from registry.demo.content import Content, read_content
from registry.models import Blob, ModelFile, ModelVersion, Picture, RegisteredModel, VersionPreview
from tests.factories import RegisteredModelFactory

pytestmark = pytest.mark.django_db
CONTENT = read_content()


@pytest.fixture
def small(monkeypatch) -> Content:
    """Two models of the demo instead of all."""
    content = Content(
        CONTENT.people, tuple(model for model in CONTENT.models if model.title in {"Quilt Words", "Ink Contrast"})
    )
    monkeypatch.setattr(planting, "read_content", lambda: content)
    return content


def test_the_whole_demo_is_published_safe_recognized_and_shown(client: Client):
    call_command("seed_demo")

    assert RegisteredModel.objects.visible_to(AnonymousUser()).count() == len(CONTENT.models)
    assert set(ModelVersion.objects.values_list("state", flat=True)) == {"published"}
    assert set(ModelFile.objects.values_list("blob__verdict", flat=True)) == {"safe"}
    assert set(VersionPreview.objects.values_list("picture__state", flat=True)) == {"ready"}
    assert VersionPreview.objects.count() == sum(
        len(version.pictures) for model in CONTENT.models for version in model.versions
    )
    assert Comment.objects.count() == sum(len(model.comments) for model in CONTENT.models)
    assert not any(person.has_usable_password() for person in User.objects.all())
    assert Picture.objects.filter(animated=True).count() == 1
    for preview in VersionPreview.objects.within(1):
        response = client.get(preview.original_address)
        assert response.status_code == 200
        b"".join(response.streaming_content)


def test_a_site_with_models_is_left_alone():
    RegisteredModelFactory()

    with pytest.raises(CommandError, match="already has content"):
        call_command("seed_demo")

    assert RegisteredModel.objects.count() == 1


def test_a_second_demo_is_refused(small):
    call_command("seed_demo")

    with pytest.raises(CommandError):
        call_command("seed_demo")

    assert RegisteredModel.objects.count() == len(small.models)


def test_an_interrupted_demo_goes_on_with_what_is_missing(small, monkeypatch):
    steps = planting.plant_demo()
    next(steps)
    monkeypatch.setattr(planting, "make_renditions", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert RegisteredModel.objects.count() == 1
    monkeypatch.undo()
    monkeypatch.setattr(planting, "read_content", lambda: small)

    call_command("seed_demo")

    assert RegisteredModel.objects.count() == 2
    assert Blob.objects.filter(verdict="safe", files__isnull=False).count() == 2


def interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_person_who_signed_up_under_a_demo_name_is_left_alone(small):
    User.objects.create_user("wren", password="a long password")

    with pytest.raises(CommandError):
        call_command("seed_demo")


def test_the_command_writes_nothing_to_standard_output(small, capsys):
    call_command("seed_demo")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Ink Contrast" in captured.err
