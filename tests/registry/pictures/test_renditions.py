"""Workers, lost workers, and what is left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.imaging.errors import ReadingFailed
from registry.models import Blob, Picture, VersionPreview
from registry.services import renditions
from registry.services.pictures import add_preview, attach_upload, remove_preview
from registry.services.renditions import make_avif, make_renditions, sweep_pictures
from registry.storage import blob_store
from registry.storage.local import LocalStore
from tests.factories import InspectionFactory, ModelVersionFactory
from tests.registry.pictures.build import saved, scene
from tests.registry.pictures.hostile import JPEG, PNG
from tests.registry.pictures.rows import picture_of, sent, shown, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    return ModelVersionFactory()


@pytest.fixture
def waiting(version) -> Picture:
    owner = version.model.owner
    return add_preview(version, sent(owner, PNG), alt="", rating=1, by=owner).picture


def failing(*arguments, **options):
    raise ReadingFailed("no room")


def stored_keys() -> list[str]:
    return sorted(found.key for found in blob_store().listing("renditions/"))


def test_a_picture_is_decoded_once_however_often_the_message_comes(waiting, monkeypatch):
    make_renditions(waiting.pk)
    monkeypatch.setattr(renditions, "examine_picture", failing)

    make_renditions(waiting.pk)
    make_renditions(0)

    assert Picture.objects.get(pk=waiting.pk).state == "ready"


def test_copies_lie_in_the_store_and_the_original_stays_as_it_was(version):
    preview = shown(version, JPEG, name="a.jpg")

    (copy,) = preview.picture.renditions.all()
    with blob_store().open(copy.key) as stream:
        data = stream.read()
    with blob_store().open(preview.picture.blob.key) as stream:
        original = stream.read()
    assert (len(data), data[:4], data[8:12]) == (copy.size, b"RIFF", b"WEBP")
    assert original == JPEG


def test_avif_copies_follow_when_nothing_else_waits(version):
    preview = shown(version, saved(scene(700, 500), "PNG"))
    busy = InspectionFactory(state="waiting")

    make_avif()
    assert picture_of(preview).avif_state == "waiting"
    busy.delete()
    make_avif()

    preview = VersionPreview.objects.for_display().get(pk=preview.pk)
    assert preview.picture.avif_state == "done"
    assert [row.width for row in preview.copies("avif")] == [320, 640, 700]
    assert preview.avif_srcset.startswith(f"/media/previews/{preview.pk}/320.avif 320w, ")


def test_an_original_that_lies_elsewhere_is_copied_here_first(waiting, settings, monkeypatch):
    class Elsewhere(LocalStore):
        """A store whose files this machine cannot open by name."""

        def local_path(self, key: str) -> None:
            return None

    monkeypatch.setattr(renditions, "blob_store", lambda: Elsewhere(settings.DATA))

    make_renditions(waiting.pk)

    assert Picture.objects.get(pk=waiting.pk).state == "ready"
    assert list(settings.CACHE_FOLDER.iterdir()) == []


def test_a_worker_that_lost_its_claim_changes_nothing(waiting, monkeypatch):
    examine = renditions.examine_picture

    def overtaken(*arguments, **options):
        facts = examine(*arguments, **options)
        Picture.objects.filter(pk=waiting.pk).update(attempt=None, state="waiting")
        return facts

    monkeypatch.setattr(renditions, "examine_picture", overtaken)
    make_renditions(waiting.pk)

    assert Picture.objects.get(pk=waiting.pk).state == "waiting"
    assert not waiting.renditions.exists()
    monkeypatch.undo()
    make_renditions(waiting.pk)
    assert Picture.objects.get(pk=waiting.pk).state == "ready"


def test_our_own_failure_is_tried_again_and_then_said(waiting, monkeypatch):
    monkeypatch.setattr(renditions, "examine_picture", failing)

    states = []
    for _ in range(3):
        make_renditions(waiting.pk)
        states.append(Picture.objects.get(pk=waiting.pk).state)

    assert states == ["waiting", "waiting", "refused"]
    assert Picture.objects.get(pk=waiting.pk).error["code"] == "reading_failed"


def test_our_own_failure_is_forgotten_when_the_picture_is_sent_again(waiting, version, monkeypatch):
    monkeypatch.setattr(renditions, "examine_picture", failing)
    for _ in range(3):
        make_renditions(waiting.pk)
    monkeypatch.undo()
    owner = version.model.owner

    preview = add_preview(version, sent(owner, PNG), alt="", rating=1, by=owner)
    make_renditions(preview.picture_id)

    assert picture_of(preview).state == "ready"


def test_failing_avif_leaves_the_picture_ready(version, monkeypatch):
    preview = shown(version, PNG)
    monkeypatch.setattr(renditions, "examine_picture", failing)

    for _ in range(4):
        make_avif()

    assert (picture_of(preview).state, picture_of(preview).avif_state) == ("ready", "failed")


def test_bytes_that_are_gone_are_our_failure(waiting):
    blob_store().delete(waiting.blob.key)

    for _ in range(3):
        make_renditions(waiting.pk)

    assert Picture.objects.get(pk=waiting.pk).error["code"] == "reading_failed"


@pytest.mark.parametrize("state", [{"state": "running"}, {"state": "ready", "avif_state": "running"}])
def test_a_picture_whose_worker_is_gone_is_given_to_another(waiting, monkeypatch, state):
    told(monkeypatch)
    long_ago = timezone.now() - timedelta(minutes=6)
    Picture.objects.filter(pk=waiting.pk).update(heart_at=long_ago, tries=1, **state)

    sweep_pictures()

    now = Picture.objects.get(pk=waiting.pk)
    assert "waiting" in {now.state, now.avif_state}


def test_a_picture_whose_message_was_lost_is_sent_again(waiting, monkeypatch, django_capture_on_commit_callbacks):
    heard = told(monkeypatch)
    Picture.objects.filter(pk=waiting.pk).update(queued_at=timezone.now() - timedelta(seconds=30))

    with django_capture_on_commit_callbacks(execute=True):
        sweep_pictures()
        sweep_pictures()

    assert heard == [waiting.pk]


def test_what_nothing_shows_goes_after_a_day_with_its_copies(version, monkeypatch):
    told(monkeypatch)
    kept, gone = shown(version, PNG), shown(version, JPEG, name="a.jpg")
    remove_preview(gone, by=version.model.owner)
    sweep_pictures()
    assert Picture.objects.count() == 2

    Picture.objects.update(created_at=timezone.now() - timedelta(days=2))
    sweep_pictures()

    assert list(Picture.objects.all()) == [kept.picture]
    assert stored_keys() == [row.key for row in kept.picture.renditions.all()]
    assert Blob.objects.filter(pk=gone.picture.blob_id).exists()


def test_attaching_where_nothing_waits_is_harmless(version):
    attach_upload(sent(version.model.owner, PNG))

    assert not Picture.objects.exists()
