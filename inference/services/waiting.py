"""Why a render waits: its place in the queue, or what no worker can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from inference.models import RenderJob, Worker
from inference.models.refusals import explain_render
from inference.services.estimating import most_work_of, room_of, speed_of
from registry.models import Picture


@dataclass(frozen=True)
class Waiting:
    """Where a queued render stands. `position` counts from 1; None where it is not in anybody's queue."""

    code: str
    position: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return explain_render(self.code, self.params)


def why_waiting(job: RenderJob) -> Waiting | None:
    """Why a queued render is not rendered yet; None for one that is not queued."""
    if job.state != RenderJob.State.QUEUED:
        return None
    if job.inputs.exclude(picture__state=Picture.State.READY).exists():
        return Waiting("pictures")
    workers = list(Worker.objects.alive())
    unable = _nobody_can(job, workers)
    if unable is not None:
        return unable
    if job.not_before is not None and job.not_before > timezone.now():
        return Waiting("elsewhere")
    position = queue_position(job)
    return Waiting("position", position, {"position": position})


def _nobody_can(job: RenderJob, workers: list[Worker]) -> Waiting | None:
    if not workers:
        return Waiting("no_worker")
    roomy = [worker for worker in workers if not room_of(worker) or job.memory <= room_of(worker)]
    if not roomy:
        most = max(room_of(worker) for worker in workers)
        return Waiting("too_much_memory", None, {"needed": _gigabytes(job.memory), "most": _gigabytes(most)})
    limits = [(worker, most_work_of(worker, job.family)) for worker in roomy]
    if any(most is None or job.work <= most for _worker, most in limits):
        return None
    fastest = min(roomy, key=lambda worker: speed_of(worker, job.family))
    seconds = round(job.work * speed_of(fastest, job.family))
    return Waiting("too_slow", None, {"seconds": seconds, "limit": fastest.most_seconds})


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f}"


def queue_position(job: RenderJob) -> int:
    """How many renders begin before this one, plus one, as people take turns."""
    queued = RenderJob.objects.filter(state=RenderJob.State.QUEUED)
    lower = queued.filter(rank__lt=job.rank).count()
    same = queued.filter(rank=job.rank)
    earlier = Q(queued_at__lt=job.queued_at) | Q(queued_at=job.queued_at, pk__lt=job.pk)
    own = same.filter(earlier, turn=job.turn).count()
    others = same.exclude(turn=job.turn).order_by().values("turn").annotate(waiting=Count("pk"))
    return lower + own + sum(min(row["waiting"], own + 1) for row in others) + 1
