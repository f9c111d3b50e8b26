"""How a render ends, whichever way: one transition, under the attempt's token, of which the other rooms hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from inference.models import RenderJob, Worker


class RenderLost(Exception):
    """Somebody else has the render now, or nobody wants it any more. Nothing of this attempt may be kept."""


@transaction.atomic
def end_render(
    job: RenderJob,
    state: str,
    *,
    code: str = "",
    field: str = "",
    params: Mapping[str, Any] | None = None,
    trace: str = "",
) -> bool:
    """End a render that this attempt holds, or that nobody does. False where somebody else has it.

    Who listens (`settings.RENDER_LISTENERS`: functions of the job) hears of it in the same transaction.
    """
    held = job.mine() if job.attempt else RenderJob.objects.filter(pk=job.pk, state=RenderJob.State.QUEUED)
    error = {"code": code, "field": field, "params": dict(params or {})} if code else {}
    if trace:
        error["traceback"] = trace[-8_000:]
    now = timezone.now()
    if not held.update(state=state, error=error, attempt=None, lease_until=None, not_before=None, finished_at=now):
        return False
    if state == RenderJob.State.FAILED and job.worker:
        Worker.objects.filter(name=job.worker).update(jobs_failed=F("jobs_failed") + 1)
    job.state, job.error, job.attempt, job.finished_at = state, error, None, now
    tell_ended(job)
    return True


def tell_ended(job: RenderJob) -> None:
    """Let the rooms that wait for a render know that it has ended. Part of the transaction that ended it."""
    for name in settings.RENDER_LISTENERS:
        import_string(name)(job)


def queue_again(job: RenderJob, **changes: Any) -> bool:
    """Put an attempt's render back for the next one. False where it was lost."""
    waiting = {"state": RenderJob.State.QUEUED, "attempt": None, "lease_until": None, "step": 0}
    return bool(job.mine().update(**{**waiting, "queued_at": timezone.now(), **changes}))
