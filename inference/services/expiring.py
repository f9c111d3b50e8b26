"""Pictures of renders that go with time: those that their makers neither kept nor showed."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from inference.models import RenderInput, RenderJob, RenderResult, Verification

_ROWS: Final = 5_000  # of one sweep

logger = logging.getLogger(__name__)


def goes_at(job: RenderJob, results: Iterable[RenderResult]) -> datetime | None:
    """When the first of a render's pictures goes; None: none of them does. `results` come `with_shown`."""
    if not settings.RENDER_KEEP_DAYS or job.is_kept:
        return None
    made = min((result.created_at for result in results if not result.is_shown), default=None)
    return max(made + timedelta(days=settings.RENDER_KEEP_DAYS), timezone.now()) if made else None


@shared_task(name="inference.expire_renders")
def expire_renders() -> int:
    """Forget the results whose time is over, with their receipts; answers with how many went.

    The sweep of pictures then takes the pixels, unless somebody else shows them. What was asked for stays, and the
    same pixels can be made again of it; the pictures that a render took in are let go once nothing of it is left.
    """
    if not settings.RENDER_KEEP_DAYS:
        return 0
    limit = timezone.now() - timedelta(days=settings.RENDER_KEEP_DAYS)
    going = list(_going(limit).values_list("pk", "job_id")[:_ROWS])
    gone = sum(_forget(pk, job_id, limit) for pk, job_id in going)
    left = RenderInput.objects.filter(job__finished_at__lt=limit, job__is_kept=False, job__results__isnull=True)
    RenderInput.objects.filter(pk__in=list(left.values_list("pk", flat=True)[:_ROWS])).delete()
    if gone:
        logger.info("%d pictures of renders went with time", gone)
    return gone


def _going(limit: datetime) -> QuerySet[RenderResult]:
    """Those that nothing shows, and whose receipt nobody tested lately."""
    tests = Verification.objects.filter(receipt=OuterRef("pk"))
    return RenderResult.objects.with_shown().filter(
        ~Exists(tests.filter(created_at__gte=limit)),
        ~Exists(tests.filter(outcome=Verification.Outcome.PENDING)),
        is_shown=False,
        created_at__lt=limit,
        job__is_kept=False,
    )


def _forget(result_id: uuid.UUID, job_id: uuid.UUID, limit: datetime) -> bool:
    with transaction.atomic():
        RenderJob.objects.select_for_update().filter(pk=job_id).first()  # whoever keeps it holds this row
        result = _going(limit).filter(pk=result_id).first()
        if result is None:
            return False
        RenderJob.objects.filter(verification__receipt=result.pk).delete()  # its tests say nothing any more
        result.delete()
    return True
