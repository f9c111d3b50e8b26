"""Addresses of preview pictures. They carry the preview's id; how bytes are sent: `registry.views.media`."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from registry.models import Rendition, VersionPreview
from registry.views.media import Served, nothing, send, visible_to_asker


@require_safe
def preview_rendition(request: HttpRequest, preview_id: int, width: int, format: str) -> HttpResponseBase:
    """A smaller copy, without metadata."""
    preview, is_public = _visible(request, preview_id)
    copy = preview and preview.picture.renditions.filter(format=format, width=width).first()
    return send(request, _copy(preview, copy), is_public=is_public) if preview and copy else nothing()


def _copy(preview: VersionPreview, copy: Rendition) -> Served:
    name = f"preview-{preview.pk}-{copy.width}.{copy.format}"
    return Served(copy.key, copy.size, f"image/{copy.format}", name, f"{preview.pk}-{copy.pk}-{copy.size}")


@require_safe
def preview_original(request: HttpRequest, preview_id: int) -> HttpResponseBase:
    """The picture as it was sent, byte for byte."""
    preview, is_public = _visible(request, preview_id)
    if preview is None:
        return nothing()
    picture = preview.picture
    name = f"preview-{preview.pk}.{picture.extension}"
    original = Served(picture.blob.key, picture.blob.size, picture.mime, name, f"{preview.pk}-{picture.pk}-original")
    return send(request, original, is_public=is_public)


def _visible(request: HttpRequest, preview_id: int) -> tuple[VersionPreview | None, bool]:
    previews = VersionPreview.objects.ready().select_related("picture__blob").filter(pk=preview_id)
    return visible_to_asker(request, previews)
