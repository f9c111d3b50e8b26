"""Renders that their makers keep, so that time does not take their pictures."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from community.errors import QuotaExceeded
from community.models import User
from inference.models import Grid, RenderJob
from inference.models.jobs import RenderJobQuerySet
from inference.services.submitting import hold_share


def keep_render(job: RenderJob, *, by: User) -> None:
    """Keep the pictures of a render of one's own. Twice is harmless. Raises QuotaExceeded."""
    _keep([job.pk], by=by)


def keep_grid(grid: Grid, *, by: User) -> None:
    """Keep every cell of a grid of one's own, or none. Raises QuotaExceeded."""
    _keep(list(grid.cells.filter(job__isnull=False).values_list("job", flat=True)), by=by)


def is_grid_kept(grid: Grid) -> bool:
    """Whether every render of a grid that is still there is kept."""
    return not RenderJob.objects.filter(cell__grid=grid, is_kept=False).exists()


def let_go_render(job: RenderJob, *, by: User) -> None:
    """Let time take the pictures of a render again. Twice is harmless."""
    RenderJob.objects.of(by).filter(pk=job.pk).update(is_kept=False)


def let_go_grid(grid: Grid, *, by: User) -> None:
    """Let time take the cells of a grid again."""
    RenderJob.objects.of(by).filter(cell__grid=grid).update(is_kept=False)


@transaction.atomic
def _keep(jobs: list[uuid.UUID], *, by: User) -> None:
    hold_share(by)
    own = RenderJob.objects.of(by)
    kept, more = _pictures(own.filter(is_kept=True)), _pictures(own.filter(pk__in=jobs, is_kept=False))
    if kept + more > settings.RENDER_KEPT_PICTURES:
        detail = _("You keep %(kept)d pictures; %(most)d are possible. Let go of others first, or save them yourself.")
        raise QuotaExceeded(detail % {"kept": kept, "most": settings.RENDER_KEPT_PICTURES}, code="kept_pictures")
    own.filter(pk__in=jobs).update(is_kept=True)


def _pictures(jobs: RenderJobQuerySet) -> int:
    nothing = [RenderJob.State.FAILED, RenderJob.State.CANCELLED]
    return jobs.exclude(state__in=nothing).aggregate(total=Sum("pictures"))["total"] or 0
