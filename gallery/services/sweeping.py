"""What beat looks after: metadata that nobody reads, and counts that lists are sorted by.

Each sweep takes a bounded number of rows and may be stopped anywhere; the next one goes on.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.db import connection
from django.utils import timezone

from gallery.models import PictureReading
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


# The subjects that changed are few; the rows that differ from theirs are found from there.
_FOLD: Final = """
UPDATE gallery_imagesearch AS row SET reactions = subject.reaction_count, comments = subject.comment_count
FROM gallery_image AS image JOIN community_subject AS subject ON subject.id = image.subject_id
WHERE image.id = row.image_id
  AND (row.reactions <> subject.reaction_count OR row.comments <> subject.comment_count)
"""


@shared_task(name="gallery.fold_counts")
def fold_counts() -> int:
    """Bring the search rows' reactions and comments up to their subjects'; answers with how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)
        return cursor.rowcount
