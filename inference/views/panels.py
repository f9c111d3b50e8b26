"""What renders add to the page of a model (`settings.MODEL_PANELS`)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from community.errors import SafelightError
from inference.forms import RenderForm
from inference.models import RenderJob
from inference.services.fitting import role_of, start_for
from inference.services.previewing import ask_for_previews, side_by_side, why_not_previewed
from inference.views.rendering import sizes_of
from registry.models import ModelVersion, VersionPreview
from registry.policies import can_edit, can_moderate, can_render


def model_panel(request: HttpRequest, version: ModelVersion) -> str:
    """Rendering with this version, how far its previews are, and its pictures beside those of the version before."""
    previews = list(VersionPreview.objects.visible_to(request.user).ready().filter(version=version).for_display())
    context = {
        "version": version,
        "start": _start(request, version),
        "may_log_in": not request.user.is_authenticated and role_of(version) and version.model.render_here,
        "pairs": side_by_side(version, previews, viewer=request.user),
        **_progress(request, version),
    }
    return render_to_string("inference/_model_panel.html", context, request)


def model_action(request: HttpRequest, version: ModelVersion) -> str:
    """A button to the form that renders with it, for everybody who may or could (`settings.MODEL_ACTIONS`)."""
    may = can_render(request.user, version) if request.user.is_authenticated else version.model.render_here
    if not may or not role_of(version):
        return ""
    return render_to_string("inference/_model_action.html", {"version": version}, request)


@login_required
@require_POST
def ask(request: HttpRequest, version_id: int) -> HttpResponse:
    """Have rendered what is missing of a version's previews."""
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__owner")
    version = get_object_or_404(visible, pk=version_id)
    try:
        count = ask_for_previews(version, by=request.user)
    except SafelightError as refusal:
        messages.error(request, refusal.detail)
    else:
        words = ngettext(
            "%(count)d picture is going to be rendered.", "%(count)d pictures are going to be rendered.", count
        )
        messages.success(request, words % {"count": count} if count else _("Every stored prompt is rendered already."))
    return redirect(version)


def _start(request: HttpRequest, version: ModelVersion) -> dict[str, object]:
    """What the small form sends along; empty where this person may not render with the version."""
    if not can_render(request.user, version):
        return {}
    start = start_for(version, request.user)
    if "version" not in start:
        return {}
    base = version if start["version"] == version.pk else ModelVersion.objects.get(pk=start["version"])
    return {**RenderForm.START, **sizes_of(base), **start}


def _progress(request: HttpRequest, version: ModelVersion) -> dict[str, object]:
    """How far the previews are, told to whoever may ask for them; others see the pictures themselves."""
    if not (can_edit(request.user, version.model) or can_moderate(request.user)):
        return {}
    states = list(version.rendered_previews.values_list("job__state", "preview"))
    waiting = sum(state in {RenderJob.State.QUEUED, RenderJob.State.RUNNING} for state, _preview in states)
    return {
        "can_ask": version.published_at is not None,
        "reason": why_not_previewed(version) if not states else None,
        "preview_total": len(states),
        "preview_done": sum(preview is not None for _state, preview in states),
        "preview_waiting": waiting,
        "preview_failed": sum(state == RenderJob.State.FAILED for state, _preview in states),
    }
