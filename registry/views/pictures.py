"""Media addresses. They carry the id of the thing shown, never a blob's: one blob may be private here, public there.

The bytes pass through the site also where they lie on S3. A signed address of the store would name the blob's key,
would be another at each request, so that nothing in between could keep the picture, and would have to be let into the
page's policy; copies are small, and originals are asked for one at a time.
"""

from __future__ import annotations

from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotFound, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from registry.models import Rendition, VersionPreview
from registry.models.pictures import VersionPreviewQuerySet
from registry.storage import blob_store

# Not long: a picture that is withdrawn or rated anew must not live on in caches. A check costs one small request.
_PUBLIC = "public, max-age=3600"
_PRIVATE = "private, no-cache"
_BLOCK = 256 << 10
_EXTENSIONS = {"image/jpeg": "jpg"}


@require_safe
def preview_rendition(request: HttpRequest, preview_id: int, width: int, format: str) -> HttpResponseBase:
    """A smaller copy, without metadata."""
    found = _visible(request, preview_id)
    if found is None:
        return _nothing()
    preview, is_public = found
    try:
        copy = preview.picture.renditions.get(format=format, width=width)
    except Rendition.DoesNotExist:
        return _nothing()
    name = f"preview-{preview.pk}-{copy.width}.{copy.format}"
    tag = _tag(preview, f"{copy.pk}-{copy.size}")
    return _answer(request, copy.key, copy.size, f"image/{copy.format}", name, tag, is_public=is_public)


@require_safe
def preview_original(request: HttpRequest, preview_id: int) -> HttpResponseBase:
    """The picture as it was sent, byte for byte."""
    found = _visible(request, preview_id)
    if found is None:
        return _nothing()
    preview, is_public = found
    picture = preview.picture
    extension = _EXTENSIONS.get(picture.mime, picture.mime.removeprefix("image/"))
    name = f"preview-{preview.pk}.{extension}"
    tag = _tag(preview, f"{picture.pk}-original")
    return _answer(request, picture.blob.key, picture.blob.size, picture.mime, name, tag, is_public=is_public)


def _visible(request: HttpRequest, preview_id: int) -> tuple[VersionPreview, bool] | None:
    """The preview, and whether everybody may see it. Who asks is only looked at where it matters.

    A page of public pictures thus needs no session, and the answers no `Vary: Cookie`.
    """
    previews = VersionPreview.objects.ready().select_related("picture__blob").filter(pk=preview_id)
    if not settings.LOGIN_TO_LOOK and (preview := _first(previews.visible_to(AnonymousUser()))):
        return preview, True
    preview = _first(previews.visible_to(request.user)) if request.user.is_authenticated else None
    return (preview, False) if preview else None


def _first(previews: VersionPreviewQuerySet) -> VersionPreview | None:
    try:
        return previews.get()
    except ObjectDoesNotExist:
        return None


def _tag(preview: VersionPreview, content: str) -> str:
    """An ETag that tells nothing of the blob, not even that two previews show the same one."""
    return f'"{salted_hmac("registry.media", f"{preview.pk}-{content}").hexdigest()[:20]}"'


def _answer(
    request: HttpRequest, key: str, size: int, mime: str, name: str, tag: str, *, is_public: bool
) -> HttpResponseBase:
    if get_conditional_response(request, etag=tag, response=HttpResponse()).status_code == 304:
        return _labelled(HttpResponseNotModified(), tag, is_public=is_public)
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=mime)
        response["Content-Length"] = str(size)
    else:
        try:
            response = _streamed(blob_store().open(key), mime, size)
        except FileNotFoundError:  # removed between the row and the bytes
            return _nothing()
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return _labelled(response, tag, is_public=is_public)


def _streamed(stream: BinaryIO, mime: str, size: int) -> FileResponse:
    if not connection.in_atomic_block:
        connection.close()  # a slow reader must not hold a database connection
    response = FileResponse(stream, content_type=mime)
    response.block_size = _BLOCK
    response["Content-Length"] = str(size)
    return response


def _labelled(response: HttpResponseBase, tag: str, *, is_public: bool) -> HttpResponseBase:
    """What every answer with a picture says: who may keep it, and that it is nothing but a picture."""
    response["ETag"] = tag
    response["Cache-Control"] = _PUBLIC if is_public else _PRIVATE
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if not is_public:
        response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _nothing() -> HttpResponse:
    """Hidden and absent look the same. Nobody keeps the answer: it may be another for the next person."""
    response = HttpResponseNotFound(content_type="text/plain")
    response["Cache-Control"] = _PRIVATE
    return response
