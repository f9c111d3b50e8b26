"""What beat looks after: renders whose worker is gone, renders that nobody was told of, workers that are no more."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.utils import timezone

from inference.models import RenderJob, Worker
from inference.services.endings import end_render, queue_again
from inference.services.submitting import nudge_workers
from registry.models import Picture

_ROWS: Final = 200
_TRIES: Final = 3
_FORGET_AFTER: Final = timedelta(days=1)

logger = logging.getLogger(__name__)


@shared_task(name="inference.sweep_renders")
def sweep_renders() -> None:
    """Give lost renders to another worker, end those whose picture cannot be read, and remind the workers."""
    for job in RenderJob.objects.lost()[:_ROWS]:
        logger.warning("the worker that had %s is gone", job)
        give_back_render(job)
    queued = RenderJob.objects.filter(state=RenderJob.State.QUEUED)
    for job in queued.filter(inputs__picture__state=Picture.State.REFUSED).distinct()[:_ROWS]:
        end_render(job, RenderJob.State.FAILED, code="picture_refused", field="init")
    if queued.exists() and Worker.objects.alive().exists():  # without workers the messages would pile up
        nudge_workers()
    Worker.objects.filter(seen_at__lt=timezone.now() - _FORGET_AFTER).delete()


def give_back_render(job: RenderJob) -> None:
    """End an attempt that was lost: another follows, unless the render was called off or lost too often."""
    if job.cancel_asked_at is not None:
        end_render(job, RenderJob.State.CANCELLED)
    elif job.tries >= _TRIES:
        end_render(job, RenderJob.State.FAILED, code="worker_lost", params={"count": job.tries})
    elif queue_again(job):
        nudge_workers()
