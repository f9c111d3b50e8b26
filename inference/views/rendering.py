"""The page on which people ask for pictures."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from community.errors import SafelightError
from community.models import User
from community.services.limits import check_rate
from inference.forms import RenderForm, start_of
from inference.models import RenderJob, RenderResult, Style, Worker
from inference.prompts.suites import HOUSE_SUITES
from inference.services.fitting import Fit, checkpoints_for, fit_for, start_for
from inference.services.starting import start_pictures, stored_hash
from inference.services.submitting import submit_render
from registry.formats.catalog import BASE_MODELS
from registry.models import ModelVersion


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def render_page(request: HttpRequest) -> HttpResponse:
    """`/render`: the form. `version` begins with a model, `from` with an earlier render, `start` with its picture."""
    if request.method == "POST":
        return _submitted(request)
    return form_page(request, _start(request))


def form_page(request: HttpRequest, start: Mapping[str, Any], *, notes: list[str] | None = None) -> HttpResponse:
    """The form filled with `start` (fields of `RenderForm`); `notes` say what could not be taken over."""
    checkpoints = checkpoints_for(request.user)
    chosen = _chosen(checkpoints, start.get("version"))
    fit = fit_for(chosen, request.user)
    filled = {**RenderForm.START, **sizes_of(chosen), **start, "version": chosen.pk if chosen else None}
    return _page(request, RenderForm(initial=filled, checkpoints=checkpoints, fit=fit), fit, notes=notes)


@login_required
@never_cache
@require_safe
def fit_fragment(request: HttpRequest) -> HttpResponse:
    """What goes with the checkpoint that was just chosen, for the form that stands already."""
    checkpoints = checkpoints_for(request.user)
    chosen = _chosen(checkpoints, request.GET.get("version"))
    fit = fit_for(chosen, request.user)
    start = {**RenderForm.START, **sizes_of(chosen)}
    form = RenderForm(initial=start, checkpoints=checkpoints, fit=fit)
    return render(request, "inference/_fit.html", {"fit": fit, "form": form})


def _submitted(request: HttpRequest) -> HttpResponse:
    checkpoints = checkpoints_for(request.user)
    chosen = _chosen(checkpoints, request.POST.get("version"))
    fit = fit_for(chosen, request.user)
    form = RenderForm(request.POST, checkpoints=checkpoints, fit=fit)
    if "refit" in request.POST:  # without scripts: the same form, with what goes with the checkpoint chosen now
        return form_page(request, {name: request.POST.get(name) for name in form.fields if name in request.POST})
    if form.is_valid():
        try:
            check_rate("write", f"user:{request.user.pk}")
            job = submit_render(_with_hashes(form.asked(), request.user), by=request.user)
        except SafelightError as refusal:
            form.refuse(refusal)
        else:
            return redirect("inference:job", job.pk)
    return _page(request, form, fit, status=422)


def _with_hashes(asked: dict[str, Any], by: User) -> dict[str, Any]:
    """What is asked for, its pictures by their hashes: a form knows a fresh upload by its id alone."""
    for name in ("init", "mask"):
        if asked.get(name):
            asked[name] = stored_hash(asked[name], name, by=by)
    if asked.get("control"):
        asked["control"]["picture"] = stored_hash(asked["control"]["picture"], "control", by=by)
    return asked


def _page(
    request: HttpRequest, form: RenderForm, fit: Fit, *, status: int = 200, notes: list[str] | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "fit": fit,
        "notes": notes or [],
        "styles": Style.objects.of(request.user),
        "pictures": start_pictures(form, request.user),
        "recent": RenderJob.objects.of(request.user).filter(kind=RenderJob.Kind.INTERACTIVE)[:6],
        "workers": Worker.objects.alive().count(),
    }
    return render(request, "inference/render.html", context, status=status)


def _start(request: HttpRequest) -> dict[str, Any]:
    """What the address asks the form to begin with."""
    start: dict[str, Any] = {}
    if again := request.GET.get("from", ""):
        start |= start_of(_own_job(request.user, again).request)
    if picture := request.GET.get("start", ""):
        result = get_object_or_404(
            RenderResult.objects.of(request.user).select_related("job", "picture"), pk=_id(picture)
        )
        start |= start_of(result.job.request) | {"init": result.picture.blob_id, "mask": ""}
    version = request.GET.get("version", "")
    if version.isascii() and version.isdigit() and len(version) < 19:
        found = ModelVersion.objects.visible_to(request.user).select_related("model").filter(pk=version).first()
        start |= start_for(found, request.user) if found else {}
    return start


def _own_job(person: User, job_id: str) -> RenderJob:
    return get_object_or_404(RenderJob.objects.of(person), pk=_id(job_id))


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def _chosen(checkpoints: list[ModelVersion], asked: object) -> ModelVersion | None:
    """The one asked for; else the site's own small one comes last: whatever stands first."""
    return next((each for each in checkpoints if str(each.pk) == str(asked)), checkpoints[0] if checkpoints else None)


def sizes_of(checkpoint: ModelVersion | None) -> dict[str, Any]:
    """How pictures of this checkpoint's family are usually made."""
    base = BASE_MODELS.get(checkpoint.base_model) if checkpoint else None
    suite = HOUSE_SUITES.get(base.family) if base else None
    if not suite:
        return {}
    first = suite[0]
    return {name: getattr(first, name) for name in RenderForm.GROUPS["size"]}
