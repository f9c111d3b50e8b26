"""What beat looks after: work that nobody does, uploads that nobody ends, bytes that nobody shows.

Each sweep takes a bounded number of rows and may be stopped anywhere; the next one goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from celery import shared_task
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from registry.models import Blob, Conversion, Inspection, ModelFile, Picture, Upload
from registry.services.handover import end_upload, queue_inspection
from registry.services.inspecting import give_back, lock_blob
from registry.services.uploads import UNDER_WAY, unattached_since
from registry.storage import BLOBS, UPLOADS, StoredObject, blob_store

_ROWS: Final = 500
# A message that was lost is sent again soon while no worker is busy, and later while the queue may just be long.
_IDLE_WAIT: Final = timedelta(seconds=15)
_BUSY_WAIT: Final = timedelta(minutes=10)
# Bytes without a row may belong to work that has not written its row yet.
_ORPHAN_AGE: Final = timedelta(days=1)

logger = logging.getLogger(__name__)


@shared_task(name="registry.sweep_inspections")
def sweep_inspections() -> None:
    """Give lost inspections to another worker, and remind workers of those that none took."""
    for inspection in Inspection.objects.lost()[:_ROWS]:
        logger.warning("the worker that inspected %s is gone", inspection.upload_id)
        give_back(inspection)
    running = Inspection.objects.filter(state=Inspection.State.RUNNING).exists()
    limit = timezone.now() - (_BUSY_WAIT if running else _IDLE_WAIT)
    waiting = Inspection.objects.filter(state=Inspection.State.WAITING, queued_at__lt=limit).order_by("queued_at")
    for inspection in waiting[:_ROWS]:
        Inspection.objects.filter(pk=inspection.pk).update(queued_at=timezone.now())
        queue_inspection(inspection.upload_id)


@shared_task(name="registry.sweep_uploads")
def sweep_uploads() -> None:
    """End uploads whose time is over, and remove their bytes."""
    over = Upload.objects.open().filter(expires_at__lt=timezone.now()).values_list("pk", flat=True)
    for pk in over[:_ROWS]:
        with transaction.atomic():
            upload = Upload.objects.select_for_update().get(pk=pk)
            if upload.state == Upload.State.RECEIVING:
                end_upload(upload, Upload.State.EXPIRED)
                transaction.on_commit(partial(blob_store().abort, upload.incoming))


@shared_task(name="registry.sweep_blobs")
def sweep_blobs() -> int:
    """Forget blobs that nothing shows, then remove bytes that no row names; answers with how many objects went."""
    removed = sum(_forget_blob(sha256) for sha256 in _unshown_blobs())
    store = blob_store()
    return removed + remove_orphans(store.listing(UPLOADS)) + remove_orphans(store.listing(BLOBS))


def remove_orphans(stored: Iterable[StoredObject]) -> int:
    """Remove stored bytes of a day's age that neither a blob nor a running upload names; answers with their number."""
    limit, removed = timezone.now() - _ORPHAN_AGE, 0
    for found in stored:
        if found.modified_at < limit and _discard_unclaimed(found):
            removed += 1
    if removed:
        logger.info("removed %d stored objects that no row names", removed)
    return removed


def _unshown_blobs() -> list[str]:
    return list(_unshown(Blob.objects.all()).values_list("pk", flat=True)[:_ROWS])


def _unshown(blobs: QuerySet[Blob]) -> QuerySet[Blob]:
    """Those that no file and no picture points to, that are made from no other, and that nobody sent lately."""
    return blobs.filter(
        ~Exists(ModelFile.objects.filter(blob=OuterRef("pk"))),
        ~Exists(Conversion.objects.filter(result=OuterRef("pk"))),
        ~Exists(Picture.objects.filter(blob=OuterRef("pk"))),
        ~Exists(Upload.objects.filter(blob=OuterRef("pk"), completed_at__gt=unattached_since())),
        created_at__lt=timezone.now() - _ORPHAN_AGE,
    )


def _forget_blob(sha256: str) -> bool:
    with transaction.atomic():
        lock_blob(sha256)
        # Whoever attaches one of these uploads to a version holds its row: either we see the file, or they the end.
        sent = Upload.objects.filter(pk__in=[row.pk for row in Upload.objects.select_for_update().filter(blob=sha256)])
        blob = _unshown(Blob.objects.filter(pk=sha256)).first()
        if blob is None:
            return False
        sent.update(state=Upload.State.EXPIRED)
        stored = StoredObject(blob.key, blob.size, blob.created_at)
        blob.delete()
    return _discard_unclaimed(stored)


def _discard_unclaimed(found: StoredObject) -> bool:
    with transaction.atomic():
        lock_blob(found.key.rpartition("/")[2])  # an inspection may be giving these very bytes a row
        running = Upload.objects.filter(key=found.key, state__in=UNDER_WAY)
        if found.token:
            running = running.filter(store_id=found.token)
        if running.exists() or (not found.token and Blob.objects.filter(key=found.key).exists()):
            return False
        blob_store().discard(found)
    return True
