"""One's renders: the list, one of them as it goes on, and what can be done with it."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from community.errors import QuotaExceeded
from community.services.paging import keyset_page
from community.views.returning import back_to
from inference.models import RenderJob, RenderResult, Verification
from inference.models.refusals import explain_render
from inference.prompts.plan import read_plan
from inference.services.cancelling import cancel_render
from inference.services.expiring import goes_at
from inference.services.keeping import keep_render, let_go_render
from inference.services.pngs import parameters_of
from inference.services.verifying import verify_receipt
from inference.services.waiting import why_waiting
from registry.models import ModelVersion

_PAGE = 24


@login_required
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """`/renders`: one's own, newest first. The cells of a grid, which may be sixty, stand on its page alone."""
    rows = RenderJob.objects.of(request.user).exclude(kind__in=[RenderJob.Kind.VERIFY, RenderJob.Kind.GRID])
    page = keyset_page(rows, ["-created_at", "-id"], cursor=request.GET.get("cursor", ""), size=_PAGE)
    found: dict[uuid.UUID, list[RenderResult]] = {job.pk: [] for job in page.items}
    for result in RenderResult.objects.of(request.user).for_display().with_shown().filter(job__in=list(found)):
        found[result.job_id].append(result)
    context = {
        "entries": [(job, found[job.pk], goes_at(job, found[job.pk])) for job in page.items],
        "here": request.get_full_path(),
        "next": f"?{urlencode({'cursor': page.next})}" if page.next else "",
    }
    template = "_history" if request.htmx and not request.htmx.boosted else "history"
    return render(request, f"inference/{template}.html", context)


@login_required
@never_cache
@require_safe
def parameters(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """`/renders/<id>/parameters`: the request as the text that every tool of the field reads."""
    job = get_object_or_404(RenderJob.objects.of(request.user), pk=job_id)
    plan = read_plan(job.plan)
    return HttpResponse(parameters_of(plan, plan.request.seed), content_type="text/plain; charset=utf-8")


@login_required
@never_cache
@require_safe
def job_page(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """`/renders/<id>`: where it stands, and its pictures. A script asks for the changing part alone."""
    job = get_object_or_404(RenderJob.objects.of(request.user), pk=job_id)
    visible = ModelVersion.objects.visible_to(request.user).filter(pk__in=job.versions).select_related("model__owner")
    tests = list(_verifications(job))
    results = list(RenderResult.objects.of(request.user).for_display().with_shown().filter(job=job))
    context = {
        "job": job,
        "asked": job.request,
        "waiting": why_waiting(job),
        "error": explain_render(job.error["code"], job.error.get("params", {})) if job.error else "",
        "results": results,
        "goes": goes_at(job, results),
        "economical": any(result.receipt.is_economical for result in results),
        "versions": sorted(visible, key=lambda version: job.versions.index(version.pk)),
        "verifications": tests,
        "watching": job.is_open or any(test.outcome == Verification.Outcome.PENDING for test in tests),
    }
    fragment = request.htmx and request.htmx.target == "job"
    return render(request, "inference/_job.html" if fragment else "inference/job.html", context)


@login_required
@require_POST
def cancel(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Stop a render: at once while it waits, between two steps while it runs."""
    job = get_object_or_404(RenderJob.objects.of(request.user), pk=job_id)
    cancel_render(job, by=request.user)
    messages.success(request, _("The render was cancelled."))
    return redirect("inference:job", job.pk)


@login_required
@require_POST
def keep(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Keep the pictures of a render, or (`let_go`) leave them to time again."""
    job = get_object_or_404(RenderJob.objects.of(request.user), pk=job_id)
    try:
        (let_go_render if "let_go" in request.POST else keep_render)(job, by=request.user)
    except QuotaExceeded as refusal:
        messages.error(request, str(refusal.detail))
    return back_to(request, reverse("inference:job", args=[job.pk]))


@login_required
@require_POST
def verify(request: HttpRequest, result_id: uuid.UUID) -> HttpResponse:
    """Have a result rendered again from its receipt, and compared."""
    result = get_object_or_404(RenderResult.objects.of(request.user).select_related("job", "receipt"), pk=result_id)
    verify_receipt(result, by=request.user)
    messages.success(request, _("It is being rendered again from its receipt. The outcome will stand below."))
    return redirect("inference:job", result.job_id)


def _verifications(job: RenderJob) -> QuerySet[Verification]:
    return Verification.objects.filter(receipt__result__job=job).select_related("receipt__result", "job")
