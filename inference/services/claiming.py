"""Which render a worker takes next: the best row that it can do.

Interactive renders come before grids and previews. Within a rank people take turns: whoever's last render began longest
ago is next. Within one person's renders those of the worker's warm checkpoint come first, for a minute at most.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Exists, F, IntegerField, Min, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from inference.models import RenderInput, RenderJob, Worker
from inference.services.estimating import most_work_of, room_of
from registry.formats.catalog import BASE_MODELS
from registry.models import Picture

WARM_FOR: Final = timedelta(seconds=60)
_LOCK: Final = "renders:claim"
_FAMILIES: Final = tuple(sorted({row.family for row in BASE_MODELS.values()}))
# Of each person the moment at which their last render began: one look into the index `render_turns` a person.
_LAST_TURNS: Final = """
    SELECT turn, (SELECT started_at FROM inference_renderjob j WHERE j.turn = t.turn AND started_at IS NOT NULL
                  ORDER BY started_at DESC LIMIT 1)
    FROM unnest(%s::bigint[]) AS t(turn)
"""


@transaction.atomic
def claim_render(worker: Worker) -> RenderJob | None:
    """Take the next render for this worker, or None where nothing waits that it can do.

    Claims come one after another, so that turns are taken in order however many workers ask at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
    now = timezone.now()
    waiting = doable_by(worker, now)
    turn = _next_turn(waiting)
    if turn is None:
        return None
    rank, person = turn
    is_warm = bool(worker.warm_checkpoint) and worker.warm_since is not None and now - worker.warm_since < WARM_FOR
    warm = Case(
        When(checkpoint_sha=worker.warm_checkpoint if is_warm else "", then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    rows = waiting.filter(rank=rank, turn=person).order_by(warm, "queued_at", "created_at", "pk")
    job = rows.select_related("maker").select_for_update(skip_locked=True, of=("self",)).first()
    if job is None:
        return None
    _take(job, worker, now)
    if not is_warm or job.checkpoint_sha != worker.warm_checkpoint:
        worker.warm_checkpoint, worker.warm_since = job.checkpoint_sha, now
        Worker.objects.filter(pk=worker.pk).update(warm_checkpoint=job.checkpoint_sha, warm_since=now)
    return job


def doable_by(worker: Worker, now: datetime) -> QuerySet[RenderJob]:
    """Queued renders that this worker may take: within its memory and its time, and not left to others for now."""
    unread = RenderInput.objects.filter(job=OuterRef("pk")).exclude(picture__state=Picture.State.READY)
    rows = RenderJob.objects.filter(~Exists(unread), state=RenderJob.State.QUEUED, cancel_asked_at__isnull=True)
    rows = rows.exclude(avoid_worker=worker.name, not_before__gt=now)
    if room := room_of(worker):
        rows = rows.filter(memory__lte=room)
    return rows.exclude(_too_slow(worker))


def _too_slow(worker: Worker) -> Q:
    """What the worker would take longer for than it may."""
    too_slow = Q(pk__isnull=True)
    if worker.most_seconds:
        for family in _FAMILIES:
            too_slow |= Q(family=family, work__gt=most_work_of(worker, family))
        too_slow |= ~Q(family__in=_FAMILIES) & Q(work__gt=most_work_of(worker, ""))
    return too_slow


def _next_turn(waiting: QuerySet[RenderJob]) -> tuple[int, int] | None:
    """The rank that is served, and whose turn it is in it."""
    people = list(waiting.order_by().values("rank", "turn").annotate(first=Min("queued_at")))
    if not people:
        return None
    rank = min(row["rank"] for row in people)
    first = {row["turn"]: row["first"] for row in people if row["rank"] == rank}
    if len(first) == 1:
        return rank, next(iter(first))
    with connection.cursor() as cursor:
        cursor.execute(_LAST_TURNS, [list(first)])
        last = dict(cursor.fetchall())
    person = min(first, key=lambda turn: (last[turn] is not None, last[turn] or first[turn], first[turn], turn))
    return rank, person


def _take(job: RenderJob, worker: Worker, now: datetime) -> None:
    job.state, job.attempt, job.worker = RenderJob.State.RUNNING, uuid.uuid4(), worker.name
    job.started_at, job.lease_until, job.step = now, lease_from(now), 0
    RenderJob.objects.filter(pk=job.pk, state=RenderJob.State.QUEUED).update(
        state=job.state,
        attempt=job.attempt,
        worker=job.worker,
        started_at=now,
        lease_until=job.lease_until,
        step=0,
        tries=F("tries") + 1,
    )
    job.tries += 1


def lease_from(moment: datetime) -> datetime:
    """Until when a worker that was heard of at that moment is believed to live."""
    return moment + timedelta(seconds=settings.RENDER_LEASE_SECONDS)
