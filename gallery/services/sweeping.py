"""What beat looks after: metadata that nobody reads, and counts that lists are sorted by.

Each sweep takes a bounded number of rows and may be stopped anywhere; the next one goes on.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.db import connection, transaction
from django.utils import timezone

from community.models import Subject
from gallery.models import ImageSearch, PictureReading
from gallery.services.handover import queue_reading
from gallery.services.reading import give_back_reading

_ROWS: Final = 200
_IDLE_WAIT: Final = timedelta(seconds=20)
_BUSY_WAIT: Final = timedelta(minutes=10)

logger = logging.getLogger(__name__)


@shared_task(name="gallery.sweep_readings")
def sweep_readings() -> None:
    """Give lost readings to another worker, and remind workers of those that none took."""
    for reading in PictureReading.objects.lost()[:_ROWS]:
        logger.warning("the worker that read %s is gone", reading)
        give_back_reading(reading)
    running = PictureReading.objects.filter(state=PictureReading.State.RUNNING).exists()
    limit = timezone.now() - (_BUSY_WAIT if running else _IDLE_WAIT)
    waiting = PictureReading.objects.filter(state=PictureReading.State.WAITING, queued_at__lt=limit)
    for pk in waiting.order_by("queued_at").values_list("pk", flat=True)[:_ROWS]:
        PictureReading.objects.filter(pk=pk).update(queued_at=timezone.now())
        queue_reading(pk)


_COPY: Final = """
UPDATE gallery_imagesearch AS row SET reactions = subject.reaction_count, comments = subject.comment_count
FROM gallery_image AS image JOIN community_subject AS subject ON subject.id = image.subject_id
WHERE image.id = row.image_id AND row.image_id = ANY(%s)
  AND (row.reactions <> subject.reaction_count OR row.comments <> subject.comment_count)
"""
_AT_ONCE: Final = 1_000
_BATCHES: Final = 100


@shared_task(name="gallery.fold_counts")
def fold_counts() -> int:
    """Bring the search rows' reactions and comments up to their subjects'; answers with how many changed.

    Only subjects whose counts changed since are looked at. What somebody holds at this moment is left for the next run.
    """
    written = 0
    for _number in range(_BATCHES):
        looked_at, changed = _fold_some()
        written += changed
        if looked_at < _AT_ONCE:
            break
    return written


@transaction.atomic
def _fold_some() -> tuple[int, int]:
    """How many changed subjects were looked at, and how many rows changed with them.

    A subject is held before its row is read or written, and whoever changes its counts holds it too: what is copied is
    what stands when the mark goes. It waits for nobody, so that nobody can wait for it and be waited for.
    """
    changed = Subject.objects.filter(counts_changed=True).order_by("pk")
    held = changed.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
    ids = list(held[:_AT_ONCE])
    if not ids:
        return 0, 0
    rows = ImageSearch.objects.filter(image__subject__in=ids)
    free = rows.select_for_update(no_key=True, of=("self",), skip_locked=True).values_list("pk", "image__subject")
    copied = dict(free)
    busy = set(rows.values_list("image__subject", flat=True)) - set(copied.values())
    with connection.cursor() as cursor:
        cursor.execute(_COPY, [list(copied)])
        written = cursor.rowcount
    Subject.objects.filter(pk__in=[pk for pk in ids if pk not in busy]).update(counts_changed=False)
    return len(ids), written
