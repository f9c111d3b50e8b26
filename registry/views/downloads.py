"""A file's bytes, at an address of the site that ends in the file's name."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.errors import NeedsConfirmation
from registry.models import ModelFile
from registry.models.files import Verdict
from registry.services.sending import send_file

_MOST_NAMED = 10


@require_safe
def download_file(request: HttpRequest, file_id: int, name: str) -> HttpResponseBase:
    """`/files/{id}/download/{name}`: the bytes. The name is for people and for `curl -O`; the id decides."""
    visible = ModelFile.objects.visible_to(request.user).select_related("version__model__owner", "blob", "upload")
    file = get_object_or_404(visible.prefetch_related("waivers"), pk=file_id)
    if name != file.name:
        asked = request.META.get("QUERY_STRING", "")
        return redirect(reverse("registry:download", args=[file.pk, file.name]) + (f"?{asked}" if asked else ""))
    try:
        return send_file(request, file, request.user)
    except NeedsConfirmation:
        findings = file.blob.findings.filter(level=Verdict.CHECK)[:_MOST_NAMED]
        context = {"file": file, "version": file.version, "model": file.version.model, "findings": findings}
        return render(request, "registry/download_confirm.html", context, status=NeedsConfirmation.status)
