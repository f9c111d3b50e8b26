"""What the staff sees of renders: who renders, what waits, what failed and why."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from community.errors import NotAllowed
from community.models import User
from inference.models import RenderJob, Worker
from inference.models.refusals import explain_render
from inference.services.waiting import Waiting, why_waiting

_MOST_LISTED = 50


@dataclass(frozen=True)
class Listed:
    """A render of a list, and why it waits or failed."""

    job: RenderJob
    waiting: Waiting | None = None
    failure: str = ""


@login_required
@never_cache
@require_safe
def renders(request: HttpRequest) -> HttpResponse:
    """`/staff/renders`: the fleet, the queue, the failures with their tracebacks."""
    if not request.user.is_moderator:
        raise NotAllowed(_("Only the staff of the site may see this."))
    jobs = RenderJob.objects.select_related("maker").defer("plan", "request")
    queued = jobs.filter(state=RenderJob.State.QUEUED).order_by("rank", "queued_at")[:_MOST_LISTED]
    failed = jobs.filter(state=RenderJob.State.FAILED).order_by("-finished_at")[:_MOST_LISTED]
    context = {
        "workers": list(Worker.objects.alive()),
        "running": list(jobs.filter(state=RenderJob.State.RUNNING).order_by("started_at")[:_MOST_LISTED]),
        "queued": [Listed(job, waiting=why_waiting(job)) for job in queued],
        "turns": _turns(),
        "failed": [Listed(job, failure=_failure(job)) for job in failed],
        "most": _MOST_LISTED,
    }
    return render(request, "inference/staff_renders.html", context)


def _failure(job: RenderJob) -> str:
    return explain_render(job.error.get("code", "broke_off"), job.error.get("params", {}))


def _turns() -> list[dict[str, object]]:
    """Whose renders wait, and how many: the queue as people take turns."""
    waiting = RenderJob.objects.filter(state=RenderJob.State.QUEUED).order_by()
    rows = waiting.values("turn", "kind").annotate(count=Count("pk"), since=Min("queued_at")).order_by("-count")
    listed = list(rows[:_MOST_LISTED])
    names = dict(User.objects.filter(pk__in=[row["turn"] for row in listed]).values_list("pk", "username"))
    return [
        {**row, "kind": RenderJob.Kind(row["kind"]).label, "name": names.get(row["turn"], _("the site"))}
        for row in listed
    ]
