"""A picture is put on a version in the very moment in which its inspection ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from community.ratings import Rating
from registry.models import ModelVersion, Upload, VersionPreview
from registry.services.pictures import add_preview, attach_upload
from tests.factories import ModelVersionFactory
from tests.registry.pictures.hostile import PNG
from tests.registry.pictures.rows import sent, stored_blob, told

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_picture_added_while_the_end_of_its_inspection_is_written_finds_its_bytes(monkeypatch):
    told(monkeypatch)
    version = ModelVersionFactory()
    upload, blob = sent(version.model.owner, b"", state=Upload.State.INSPECTING), stored_blob(PNG)

    with transaction.atomic():
        held = Upload.objects.select_for_update().get(pk=upload.pk)
        adding = threading.Thread(target=in_a_connection_of_its_own, args=(lambda: add(version, upload),))
        adding.start()
        wait_for_somebody_to_wait()
        held.blob, held.state = blob, Upload.State.DONE
        held.save()
        attach_upload(held)
    adding.join(20)

    assert VersionPreview.objects.get().picture.blob == blob


def add(version: ModelVersion, upload: Upload) -> None:
    add_preview(version, upload.pk, alt="", rating=Rating.PG, by=version.model.owner)


def in_a_connection_of_its_own(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


def wait_for_somebody_to_wait() -> None:
    """Until another connection stands before what this transaction holds."""
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id_if_assigned()::xid"
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        with connection.cursor() as cursor:
            cursor.execute(asked)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the upload")
