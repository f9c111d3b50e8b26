"""Addresses of an image's bytes. They carry the image's id; how bytes are sent: `registry.views.media`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from gallery.models import Image
from gallery.policies import can_see_generation
from gallery.services.publishing import reading_of
from gallery.services.stripping import remind_of_stripping
from gallery.services.workflows import workflow_of
from registry.models import Rendition
from registry.views.media import Served, nothing, send, visible_to_asker


@require_safe
def image_rendition(request: HttpRequest, image_id: int, width: int, format: str) -> HttpResponseBase:
    """A smaller copy, without metadata."""
    image, is_public = _visible(request, image_id)
    copy = image and image.picture.renditions.filter(format=format, width=width).first()
    return send(request, _copy(image, copy), is_public=is_public) if image and copy else nothing()


def _copy(image: Image, copy: Rendition) -> Served:
    name = f"image-{image.pk}-{copy.width}.{copy.format}"
    return Served(copy.key, copy.size, f"image/{copy.format}", name, f"image-{image.pk}-{copy.pk}-{copy.size}")


@require_safe
def image_original(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """The picture as it was sent, byte for byte; stripped of its metadata where its author chose so.

    With `?download` it is saved instead of shown.
    """
    image, is_public = _visible(request, image_id)
    if image is None:
        return nothing()
    served = _original(image, attached="download" in request.GET)
    return send(request, served, is_public=is_public) if served else nothing()


def _original(image: Image, *, attached: bool) -> Served | None:
    """The bytes of an original; None while the stripped ones are not made yet, or where they cannot be."""
    picture, name = image.picture, f"image-{image.pk}.{image.picture.extension}"
    if not image.serves_stripped:
        content = f"image-{image.pk}-{picture.pk}-original"
        return Served(picture.blob.key, picture.blob.size, picture.mime, name, content, attached)
    reading, kind = reading_of(image), image.stripped_kind
    made = reading.stripped.get(kind) if reading is not None else None
    if made is None:
        remind_of_stripping(picture.pk, kind)
    if not made or "key" not in made:
        return None
    content = f"image-{image.pk}-{picture.pk}-{kind}"
    return Served(made["key"], made["size"], picture.mime, name, content, attached)


@require_safe
def image_workflow(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """The workflow that stood in the file, as ComfyUI opens it."""
    image, is_public = _visible(request, image_id)
    reading = reading_of(image) if image else None
    if image is None or reading is None or not can_see_generation(request.user, image):
        return nothing()
    text = workflow_of(reading)
    if text is None:
        return nothing()
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="image-{image.pk}-workflow.json"'
    is_for_all = is_public and not image.keeps_generation_to_itself
    response["Cache-Control"] = "public, max-age=3600" if is_for_all else "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _visible(request: HttpRequest, image_id: int) -> tuple[Image | None, bool]:
    images = (
        Image.objects.ready()
        .select_related("picture__blob", "picture__reading", "post")
        .defer("picture__reading__raw")
        .filter(pk=image_id)
    )
    return visible_to_asker(request, images)
