"""What moderators do about files that are not plainly safe: look through them, let one through, stop serving it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from community.errors import NotAllowed, SafelightError
from registry import policies
from registry.forms import ReasonForm
from registry.models import EngineOpinion, ModelFile, Waiver
from registry.models.files import Verdict
from registry.services.waiving import grant_waiver, withdraw_waiver
from registry.views.files import report_page

_MOST_LISTED = 200


@login_required
@require_safe
def files_to_look_at(request: HttpRequest) -> HttpResponse:
    """Files that wait for a moderator: *check* without a waiver, and those another engine thinks worse of."""
    if not policies.can_moderate(request.user):
        raise NotAllowed(_("Only a moderator may do this."))
    files = list(waiting_files()[:_MOST_LISTED])
    return render(request, "registry/files_to_look_at.html", {"files": files, "most": _MOST_LISTED})


def waiting_files() -> QuerySet[ModelFile]:
    """Oldest first, each with what a row shows."""
    standing = Waiver.objects.filter(file=OuterRef("pk"), voided_at__isnull=True)
    graver = EngineOpinion.objects.filter(
        blob=OuterRef("blob"), outcome__in=[EngineOpinion.Outcome.HIT, EngineOpinion.Outcome.DOUBTED]
    )
    files = ModelFile.objects.for_display().select_related("version__model__owner").prefetch_related("blob__opinions")
    waits = Q(blob__verdict=Verdict.CHECK) | (Q(blob__verdict=Verdict.SAFE) & Exists(graver))
    return files.filter(waits, ~Exists(standing)).order_by("created_at", "pk")


@login_required
@require_POST
def file_waiver(request: HttpRequest, file_id: int) -> HttpResponse:
    """Grant or withdraw a waiver; the button says which. Back to the report."""
    file = get_object_or_404(ModelFile.objects.visible_to(request.user), pk=file_id)
    if not policies.can_moderate(request.user):
        raise NotAllowed(_("Only a moderator may do this."))
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return report_page(request, file_id, form=form, status=400)
    act = withdraw_waiver if request.POST.get("act") == "withdraw" else grant_waiver
    try:
        act(file, form.cleaned_data["reason"], by=request.user)
    except SafelightError as refusal:
        form.refuse(refusal)
        return report_page(request, file_id, form=form, status=refusal.status)
    return redirect("registry:file-report", file.pk)
