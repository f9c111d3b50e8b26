"""A render asked for: read, planned, counted against the person's share, queued.

The row is the truth. The message to the workers is a nudge without an id: each takes the best row that it can do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from community.errors import QuotaExceeded
from community.models import User
from inference.models import RenderInput, RenderJob
from inference.prompts.plan import RenderPlan
from inference.prompts.request import RenderRequest
from inference.services.estimating import memory_of, work_of
from inference.services.planning import plan_render, read_render_request, with_seed
from inference.services.supporting import refuse_unsupported
from registry.models import Blob, Picture
from registry.services.pictures import queue_renditions

RENDER_NEXT: Final = "inference.render_next"
RANKS: Final[Mapping[str, int]] = {
    RenderJob.Kind.INTERACTIVE: 0,
    RenderJob.Kind.VERIFY: 0,
    RenderJob.Kind.GRID: 1,
    RenderJob.Kind.PREVIEW: 2,
}
_ONE_BY_ONE: Final = (RenderJob.Kind.INTERACTIVE, RenderJob.Kind.VERIFY)
_DAY: Final = timedelta(days=1)
_LEAST_DEADLINE: Final = 120
_PATIENCE: Final = 10  # times what one core should take: machines are busy, and estimates rough
_MOST_DEADLINE: Final = 3600


def submit_render(data: Mapping[str, Any], *, by: User) -> RenderJob:
    """Queue what a person asks for: the fields of `RenderRequest` as JSON. Without a seed, or with -1, one is drawn.

    Raises InvalidInput or NotAllowed that names the field, and QuotaExceeded.
    """
    return queue_render(read_render_request(with_seed(data)), by=by)


def queue_render(request: RenderRequest, *, by: User, kind: str = RenderJob.Kind.INTERACTIVE) -> RenderJob:
    """The same for a request that is read already. Raises NotAllowed, InvalidInput, QuotaExceeded."""
    plan = plan_render(request, by=by)
    refuse_unsupported(plan)
    with transaction.atomic():
        refuse_over_quota(by, request.batch_count, kind=kind)
        return queue_plan(plan, asked=request, kind=kind, maker=by, turn=by.pk)


def queue_for_site(request: RenderRequest, *, owner: User, kind: str = RenderJob.Kind.PREVIEW) -> RenderJob:
    """Queue a render of the site's own, over what `owner` may render with, on their turn. It counts against no share.

    Raises InvalidInput or NotAllowed, as `queue_render` does.
    """
    plan = plan_render(request, by=owner)
    refuse_unsupported(plan)
    return queue_plan(plan, asked=request, kind=kind, maker=None, turn=owner.pk)


@transaction.atomic
def queue_plan(plan: RenderPlan, *, asked: RenderRequest, kind: str, maker: User | None, turn: int) -> RenderJob:
    """Queue a plan as it is. Whoever calls has asked whether it may be."""
    work, checkpoint = work_of(plan), plan.checkpoint
    job = RenderJob.objects.create(
        maker=maker,
        kind=kind,
        rank=RANKS[kind],
        turn=turn,
        request=asked.written(),
        plan=plan.written(),
        versions=list(plan.request.versions),
        checkpoint_sha=checkpoint.sha256,
        base_model=checkpoint.base_model,
        family=checkpoint.family,
        pictures=plan.request.batch_count,
        work=work,
        memory=memory_of(plan),
        deadline_seconds=min(_MOST_DEADLINE, _LEAST_DEADLINE + math.ceil(work * _PATIENCE)),
        steps=plan.request.steps,
    )
    _keep_inputs(job, plan)
    nudge_workers()
    return job


def nudge_workers() -> None:
    """Tell a worker, once the transaction is through. A lost message is no loss: the sweep sends another."""

    def send() -> None:
        current_app.send_task(RENDER_NEXT, queue="render", retry=False)

    transaction.on_commit(send, robust=True)


def _keep_inputs(job: RenderJob, plan: RenderPlan) -> None:
    """The pictures that it takes in, as rows: none is decoded by a worker before the jailed child has read it whole."""
    for stored in plan.pictures:
        picture, made = Picture.objects.get_or_create(blob=Blob.objects.get(pk=stored.sha256))
        RenderInput.objects.create(job=job, picture=picture)
        if made:
            queue_renditions(picture.pk)


def hold_share(by: User) -> None:
    """Let nobody else count this person's share until the transaction ends, so that two requests count as two."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"renders:{by.pk}"])


def refuse_over_quota(by: User, pictures: int, *, kind: str) -> None:
    """Raises QuotaExceeded. Holds the person's share.

    The cells of a grid count as pictures alone: a grid has a bound of its own.
    """
    hold_share(by)
    own = RenderJob.objects.of(by)
    most = settings.RENDER_OPEN_JOBS
    if kind in _ONE_BY_ONE and own.open().filter(kind__in=_ONE_BY_ONE).count() >= most:
        detail = ngettext(
            "You have %(count)d render that is not finished, which is the most. Wait for it, or cancel it.",
            "You have %(count)d renders that are not finished, which is the most. Wait for one, or cancel one.",
            most,
        )
        raise QuotaExceeded(detail % {"count": most}, code="too_many_open")
    used = pictures_of_today(by)
    if used + pictures > settings.RENDER_DAILY_PICTURES:
        sentence = _("You have asked for %(used)d pictures within 24 hours; %(most)d are possible.")
        detail = sentence % {"used": used, "most": settings.RENDER_DAILY_PICTURES}
        raise QuotaExceeded(detail, code="daily_pictures", field="batch_count")


def pictures_of_today(user: User) -> int:
    """How many pictures this person asked for within 24 hours; failed and cancelled renders do not count."""
    ended = [RenderJob.State.FAILED, RenderJob.State.CANCELLED]
    counted = RenderJob.objects.of(user).filter(created_at__gt=timezone.now() - _DAY).exclude(state__in=ended)
    return counted.aggregate(total=Sum("pictures"))["total"] or 0
