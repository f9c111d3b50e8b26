"""A worker may die between any two steps: the work is done once more by another, and comes out the same."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from datetime import timedelta
from typing import BinaryIO

import pytest
import time_machine
from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from registry.models import Blob, Inspection, Upload
from registry.services import inspecting
from registry.services.inspecting import inspect_upload
from registry.services.sweeping import sweep_blobs, sweep_inspections
from registry.storage import blob_store
from registry.storage.local import LocalStore
from tests.factories import ModelFileFactory
from tests.registry.inspecting.bytes import evil_pickle, safetensors
from tests.registry.inspecting.conftest import send
from tests.registry.inspecting.test_inspecting import stored_keys

pytestmark = pytest.mark.django_db(transaction=True)

DATA = safetensors()
SHA256 = hashlib.sha256(DATA).hexdigest()


class Killed(BaseException):
    """What no `except Exception` catches: the end of the process."""


class _DyingStream(io.BytesIO):
    """The bytes, at whose third reading the worker dies: the header is known then, the digests are not."""

    def __init__(self, stream: BinaryIO) -> None:
        with stream:
            super().__init__(stream.read())
        self._reads = 0

    def read(self, count: int | None = -1) -> bytes:
        self._reads += 1
        if self._reads == 3:
            raise Killed
        return super().read(count)


class DyingStore(LocalStore):
    """A folder in front of which the worker dies, before or after one of its acts."""

    def __init__(self, act: str, when: str) -> None:
        super().__init__(site.DATA)
        self._act, self._when = act, when

    def _done(self, act: str, when: str) -> None:
        if (act, when) == (self._act, self._when):
            raise Killed

    def size(self, key):
        self._done("size", "before")
        return super().size(key)

    def open(self, key):
        self._done("open", "before")
        stream = super().open(key)
        return _DyingStream(stream) if self._act == "read" else stream

    def promote(self, key, sha256):
        self._done("promote", "before")
        place = super().promote(key, sha256)
        self._done("promote", "after")
        return place

    def delete(self, key):
        self._done("delete", "before")
        super().delete(key)
        self._done("delete", "after")


def die(upload: Upload, monkeypatch: pytest.MonkeyPatch, act: str, when: str) -> None:
    store = DyingStore(act, when)
    with monkeypatch.context() as patch:
        patch.setattr(inspecting, "blob_store", lambda: store)
        with pytest.raises(Killed):
            inspect_upload(str(upload.pk))


def lease_ends() -> None:
    Inspection.objects.update(heart_at=timezone.now() - timedelta(seconds=site.INSPECTION_LEASE_SECONDS + 1))


DEATHS = [
    ("size", "before"),
    ("open", "before"),
    ("read", "during"),
    ("promote", "before"),
    ("promote", "after"),
    ("delete", "before"),
    ("delete", "after"),
]


@pytest.mark.parametrize(("act", "when"), DEATHS, ids=[f"{when} {act}" for act, when in DEATHS])
def test_whatever_a_killed_worker_leaves_another_ends_the_work(monkeypatch, act, when):
    upload = send(DATA)
    file = ModelFileFactory(upload=upload, blob=None, version__model__owner=upload.owner)
    die(upload, monkeypatch, act, when)

    lease_ends()
    sweep_inspections()
    inspect_upload(str(upload.pk))
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        sweep_blobs()

    upload.refresh_from_db()
    file.refresh_from_db()
    blob = Blob.objects.get()
    assert (upload.state, file.state, file.verdict) == ("done", "done", "safe")
    assert (blob.sha256, blob.hashes.count()) == (SHA256, 5)
    assert stored_keys() == [blob.key]
    with blob_store().open(blob.key) as stream:
        assert stream.read() == DATA


def test_until_its_lease_ends_nobody_takes_a_running_inspection(monkeypatch):
    upload = send(DATA)
    die(upload, monkeypatch, "read", "during")

    sweep_inspections()
    inspect_upload(str(upload.pk))

    assert Inspection.objects.get().state == "running"


def test_after_so_many_deaths_the_upload_fails_with_a_reason(monkeypatch, settings):
    settings.INSPECTION_TRIES = 2
    upload = send(DATA)
    for _ in range(2):
        die(upload, monkeypatch, "read", "during")
        lease_ends()
        sweep_inspections()

    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == ("failed", "inspection_failed")
    assert stored_keys() == []


def test_an_error_of_the_store_is_tried_again_and_then_said(monkeypatch, settings, caplog):
    settings.INSPECTION_TRIES = 2
    upload = send(DATA)

    class BrokenStore(LocalStore):
        def open(self, key):
            raise OSError("the disk does not answer")

    with caplog.at_level(logging.CRITICAL), monkeypatch.context() as patch:
        patch.setattr(inspecting, "blob_store", lambda: BrokenStore(site.DATA))
        inspect_upload(str(upload.pk))
        assert Inspection.objects.get().state == "waiting"
        inspect_upload(str(upload.pk))

    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == ("failed", "inspection_failed")


@pytest.mark.parametrize("what", ["lost", "aborted"])
def test_a_worker_that_lost_its_claim_changes_nothing(monkeypatch, what):
    upload = send(DATA)

    class SlowStore(LocalStore):
        def promote(self, key, sha256):
            if what == "lost":
                raise AssertionError("a lost claim reached the store")
            return super().promote(key, sha256)

        def open(self, key):
            if what == "lost":
                Inspection.objects.update(attempt=None, state="waiting")
            else:
                Upload.objects.update(state="aborted")
                Inspection.objects.update(attempt=None, state="failed")
            return super().open(key)

    with monkeypatch.context() as patch:
        patch.setattr(inspecting, "blob_store", lambda: SlowStore(site.DATA))
        inspect_upload(str(upload.pk))

    assert not Blob.objects.exists()
    assert Inspection.objects.get().state == ("waiting" if what == "lost" else "failed")


def test_an_upload_deleted_while_it_is_inspected_stays_deleted(monkeypatch):
    from registry.services.uploads import abort_upload

    upload = send(DATA)

    class Store(LocalStore):
        def open(self, key):
            stream = super().open(key)
            abort_upload(upload)
            return stream

    with monkeypatch.context() as patch:
        patch.setattr(inspecting, "blob_store", lambda: Store(site.DATA))
        inspect_upload(str(upload.pk))

    upload.refresh_from_db()
    assert (upload.state, stored_keys()) == ("aborted", [])
    assert not Blob.objects.exists()


def test_a_heart_beats_while_the_work_waits_for_bytes(monkeypatch, settings):
    settings.INSPECTION_LEASE_SECONDS = 0.25
    upload = send(DATA)
    beaten = threading.Event()
    original = Inspection.beat

    def beat(self, **more):
        done = original(self, **more)
        if threading.current_thread().name == "heart":
            beaten.set()
        return done

    class WaitingStore(LocalStore):
        def open(self, key):
            assert beaten.wait(10)
            return super().open(key)

    monkeypatch.setattr(Inspection, "beat", beat)
    monkeypatch.setattr(inspecting, "blob_store", lambda: WaitingStore(site.DATA))
    inspect_upload(str(upload.pk))

    assert Inspection.objects.get().state == "done"


def test_two_workers_that_find_the_same_bytes_at_once_make_one_blob():
    uploads = [send(evil_pickle(), name=f"{number}.ckpt") for number in range(4)]
    start = threading.Barrier(len(uploads))

    def work(upload: Upload) -> None:
        try:
            start.wait(10)
            inspect_upload(str(upload.pk))
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=[upload]) for upload in uploads]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    blob = Blob.objects.get()
    assert [upload.state for upload in Upload.objects.all()] == ["done"] * 4
    assert set(Upload.objects.values_list("blob", flat=True)) == {blob.pk}
    assert blob.hashes.count() == 4
    assert stored_keys() == [blob.key]


def test_two_workers_with_one_message_do_the_work_once():
    upload = send(DATA)
    start = threading.Barrier(2)

    def work() -> None:
        try:
            start.wait(10)
            inspect_upload(str(upload.pk))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert Inspection.objects.get().tries == 1
    assert Upload.objects.get().state == "done"
