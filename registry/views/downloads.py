"""A file's bytes, at an address of the site that ends in the file's name."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.errors import NeedsConfirmation
from registry.models import Conversion, ModelFile
from registry.models.files import Verdict
from registry.services.sending import send_conversion, send_file

_MOST_NAMED = 10


@require_safe
def download_file(request: HttpRequest, file_id: int, name: str) -> HttpResponseBase:
    """`/files/{id}/download/{name}`: the bytes. The name is for people and for `curl -O`; the id decides."""
    file = _visible_file(request, file_id)
    if name != file.name:
        asked = request.META.get("QUERY_STRING", "")
        return redirect(reverse("registry:download", args=[file.pk, file.name]) + (f"?{asked}" if asked else ""))
    try:
        return send_file(request, file, request.user)
    except NeedsConfirmation:
        findings = file.blob.findings.filter(level=Verdict.CHECK)[:_MOST_NAMED]
        context = {"file": file, "version": file.version, "model": file.version.model, "findings": findings}
        return render(request, "registry/download_confirm.html", context, status=NeedsConfirmation.status)


@require_safe
def download_conversion(request: HttpRequest, file_id: int, kind: str, name: str) -> HttpResponseBase:
    """`/files/{id}/conversions/{kind}/{name}`: the `.safetensors` that was made of a file."""
    file = _visible_file(request, file_id)
    found = Conversion.objects.select_related("result").filter(source=file.blob_id, kind=kind)
    conversion = get_object_or_404(found)
    if name != conversion.name_for(file.name):
        return redirect("registry:conversion-download", file.pk, kind, conversion.name_for(file.name))
    return send_conversion(request, file, conversion, request.user)


def _visible_file(request: HttpRequest, file_id: int) -> ModelFile:
    visible = ModelFile.objects.visible_to(request.user).select_related("version__model__owner", "blob", "upload")
    return get_object_or_404(visible.prefetch_related("waivers"), pk=file_id)
