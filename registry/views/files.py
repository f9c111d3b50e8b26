"""Pages about bytes: what the scanner found in a file, and what became of a hash."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from community.errors import InvalidInput
from community.models import Viewer
from registry import policies
from registry.forms import ReasonForm
from registry.models import Conversion, ModelFile
from registry.search import find_by_hash
from registry.services.conversions import request_conversion
from registry.views import shapes

_MOST_COPIES = 20


@require_safe
def file_report(request: HttpRequest, file_id: int) -> HttpResponse:
    """What the inspection found; shown to whoever sees the version, whatever the verdict."""
    return report_page(request, file_id)


def report_page(
    request: HttpRequest, file_id: int, *, form: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    """The report, with a moderator's form as it was sent where one was refused."""
    visible = (
        ModelFile.objects.visible_to(request.user)
        .for_display()
        .with_conversions()
        .prefetch_related("waivers__granted_by", "blob__opinions")
    )
    file = get_object_or_404(visible.select_related("version__model__owner"), pk=file_id)
    (shown,) = shapes.shown_with_conversions([file], request)
    context = {
        "file": file,
        "version": file.version,
        "model": file.version.model,
        "shown": shown,
        "findings": file.blob.findings.all() if file.blob else [],
        "hashes": shapes.hashes_of(file),
        "watching": file.state in ("uploading", "waiting", "inspecting"),
        "converting": any(made.conversion.is_under_way for made in shown.conversions),
        "wishes": shapes.wishes_of(file, shown) if policies.can_convert(request.user, file) else [],
        "inspection": getattr(file.upload, "inspection", None) if file.upload else None,
        "contents": shapes.contents_of(file),
        "opinions": file.blob.opinions.all() if file.blob else [],
        "copies": copies_of(file, request.user),
        "skipped": file.blob.facts.get("skipped", []) if file.blob else [],
        "waiver": next((waiver for waiver in file.waivers.all() if waiver.voided_at is None), None),
        "form": (form or ReasonForm()) if policies.can_moderate(request.user) else None,
        "metadata": sorted((file.blob.facts.get("metadata") or {}).items()) if file.blob else [],
    }
    return render(request, "registry/file_report.html", context, status=status)


@login_required
@require_POST
def file_conversions(request: HttpRequest, file_id: int) -> HttpResponse:
    """Ask for a `.safetensors`; the button says of which kind. Back to the report."""
    file = get_object_or_404(
        ModelFile.objects.visible_to(request.user).select_related("blob", "version__model"), pk=file_id
    )
    kind = request.POST.get("kind", "")
    if kind not in Conversion.Kind:
        raise InvalidInput(_("There is no such conversion."), field="kind")
    request_conversion(file, kind, by=request.user)
    return redirect(f"{reverse('registry:file-report', args=[file.pk])}#conversions")


def copies_of(file: ModelFile, viewer: Viewer) -> list[ModelFile]:
    """Files that this viewer may see and that hold the same tensors under another header."""
    if file.blob is None or not file.blob.fingerprint:
        return []
    same = ModelFile.objects.visible_to(viewer).filter(blob__fingerprint=file.blob.fingerprint)
    return list(same.exclude(blob=file.blob).select_related("version__model__owner")[:_MOST_COPIES])


@require_safe
def hash_page(request: HttpRequest, value: str) -> HttpResponse:
    """`/hashes/{hash}`: the files that bear it, for who may see them, and what became of those that are gone."""
    answer = find_by_hash(value, request.user)
    if answer.is_empty:
        raise Http404
    context = {"value": value.upper(), "files": answer.files, "tombstones": answer.tombstones}
    return render(request, "registry/hash.html", context)
