"""What beat looks after."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from registry.models import Blob, Inspection, Upload
from registry.services import handover
from registry.services.sweeping import sweep_blobs, sweep_inspections, sweep_uploads
from registry.services.uploads import create_upload
from registry.storage import blob_store
from tests.factories import ModelFileFactory, PictureFactory, UserFactory
from tests.registry.inspecting.bytes import safetensors
from tests.registry.inspecting.conftest import send
from tests.registry.inspecting.test_inspecting import stored_keys

pytestmark = pytest.mark.django_db

DATA = safetensors()


@pytest.fixture
def sent_messages(monkeypatch) -> list[str]:
    """The ids of uploads of which workers were told."""
    sent: list[str] = []
    monkeypatch.setattr(handover.current_app, "send_task", lambda name, args, **more: sent.append(args[0]))
    return sent


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """Runs what waits for a commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def days(count: float):
    return time_machine.travel(timezone.now() + timedelta(days=count), tick=False)


def test_a_message_that_was_lost_is_sent_again(sent_messages, commits):
    upload = send(DATA)
    Inspection.objects.update(queued_at=timezone.now() - timedelta(seconds=16))

    with commits():
        sweep_inspections()
    with commits():
        sweep_inspections()

    assert sent_messages == [str(upload.pk)]


def test_while_a_worker_is_busy_the_queue_is_trusted_for_longer(sent_messages, commits):
    waiting, running = send(DATA), send(DATA)
    Inspection.objects.update(queued_at=timezone.now() - timedelta(minutes=5))
    Inspection.objects.filter(upload=running).update(state="running", heart_at=timezone.now())

    with commits():
        sweep_inspections()
    assert sent_messages == []

    Inspection.objects.filter(upload=waiting).update(queued_at=timezone.now() - timedelta(minutes=11))
    with commits():
        sweep_inspections()
    assert sent_messages == [str(waiting.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_does_not_undo_a_completion(monkeypatch):
    def refuse(*args, **more):
        raise ConnectionError("no broker")

    monkeypatch.setattr(handover.current_app, "send_task", refuse)

    upload = send(DATA)

    assert Upload.objects.get(pk=upload.pk).state == "complete"
    assert Inspection.objects.get().state == "waiting"


def test_uploads_end_with_their_time_and_leave_no_bytes(settings, commits):
    upload = create_upload(by=UserFactory(), name="a.bin", size=10)
    create_upload(by=UserFactory(), name="b.bin", size=10)
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    with commits():
        sweep_uploads()

    assert sorted(Upload.objects.values_list("name", "state")) == [("a.bin", "expired"), ("b.bin", "receiving")]
    assert len(stored_keys()) == 1


def test_a_blob_that_nobody_attached_goes_after_a_week(inspected, commits, settings):
    with commits():
        upload = inspected(DATA)

    with days(settings.UPLOAD_EXPIRY_DAYS - 1), commits():
        sweep_blobs()
    assert Blob.objects.exists()

    with days(settings.UPLOAD_EXPIRY_DAYS + 1), commits():
        sweep_blobs()
    upload.refresh_from_db()
    assert not Blob.objects.exists()
    assert (upload.state, upload.blob) == ("expired", None)
    assert stored_keys() == []


@pytest.mark.parametrize("user", ["file", "picture"])
def test_a_blob_that_something_shows_stays(inspected, commits, user):
    with commits():
        blob = inspected(DATA).blob
    ModelFileFactory(blob=blob, upload=None) if user == "file" else PictureFactory(blob=blob)

    with days(1000), commits():
        sweep_blobs()

    assert stored_keys() == [blob.key]


def test_a_blob_whose_last_file_is_deleted_goes(inspected, commits):
    with commits():
        blob = inspected(DATA).blob
    file = ModelFileFactory(blob=blob, upload=None)
    file.delete()

    with days(8), commits():
        sweep_blobs()

    assert (Blob.objects.count(), stored_keys()) == (0, [])


@pytest.mark.parametrize(("age", "left"), [(0.5, 3), (2, 0)], ids=["half a day old", "two days old"])
def test_bytes_that_no_row_names_go_after_a_day(age, left):
    sha256 = "ab" * 32
    blob_store().begin("lost", 10, 10)
    blob_store().put("uploads/whole", b"lost", "")
    blob_store().promote("uploads/whole", sha256)

    with days(age):
        sweep_blobs()

    assert len(stored_keys()) == left


def test_the_command_does_it_now_and_says_how_much(capsys):
    blob_store().put("uploads/whole", b"lost", "")

    with days(2):
        call_command("sweep")

    assert capsys.readouterr().out == "Removed 1 stored objects that nothing shows.\n"


def test_bytes_of_uploads_under_way_stay_however_old(db):
    create_upload(by=UserFactory(), name="a.bin", size=10)
    send(DATA)

    with days(1000):
        sweep_blobs()

    assert len(stored_keys()) == 2
