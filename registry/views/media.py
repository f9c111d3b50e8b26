"""Sending stored pictures. An address names the thing shown, never a blob: one blob may be private here, public there.

The bytes pass through the site also where they lie on S3. A signed address of the store would name the blob's key,
would be another at each request, so that nothing in between could keep the picture, and would have to be let into the
page's policy; copies are small, and originals are asked for one at a time.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotFound, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.crypto import salted_hmac

from registry.services.sending import FileSlice, Span, Unsatisfiable, read_range
from registry.storage import blob_store

# Not long: a picture that is withdrawn or rated anew must not live on in caches. A check costs one small request.
_PUBLIC = "public, max-age=3600"
_PRIVATE = "private, no-cache"
_BLOCK = 256 << 10


@dataclass(frozen=True)
class Served:
    """Bytes of the store and how they are labelled. `content` tells this answer from others of the same thing."""

    key: str
    size: int
    mime: str
    name: str
    content: str
    attached: bool = False


def visible_to_asker(request: HttpRequest, things: Any) -> tuple[Any, bool]:
    """The one row of `things` that whoever asks may see, or None, and whether everybody may see it.

    `things` is a queryset with `visible_to`. Who asks is only looked at where it matters: a page of public pictures
    thus needs no session, and the answers no `Vary: Cookie`.
    """
    if not settings.LOGIN_TO_LOOK and (thing := things.visible_to(AnonymousUser()).first()):
        return thing, True
    thing = things.visible_to(request.user).first() if request.user.is_authenticated else None
    return thing, False


def send(request: HttpRequest, served: Served, *, is_public: bool) -> HttpResponseBase:
    """The bytes, or that they are what the asker has."""
    tag = _tag(served)
    if get_conditional_response(request, etag=tag, response=HttpResponse()).status_code == 304:
        return _labelled(HttpResponseNotModified(), tag, is_public=is_public)
    try:
        response = _answer(request, served, _wanted(request, served, tag))
    except FileNotFoundError:  # removed between the row and the bytes
        return nothing()
    how = "attachment" if served.attached else "inline"
    response["Content-Disposition"] = f'{how}; filename="{served.name}"'
    return _labelled(response, tag, is_public=is_public)


def _tag(served: Served) -> str:
    """An ETag that tells nothing of the blob, not even that two things show the same one."""
    return f'"{salted_hmac("registry.media", served.content).hexdigest()[:20]}"'


def _wanted(request: HttpRequest, served: Served, tag: str) -> Span | Unsatisfiable | None:
    """The part that is asked for, None for the whole: players leap about in a clip."""
    if request.headers.get("If-Range", tag).strip() != tag:
        return None  # the asker holds a part of something else
    try:
        return read_range(request.headers.get("Range", ""), served.size)
    except Unsatisfiable as unsatisfiable:
        return unsatisfiable


def _answer(request: HttpRequest, served: Served, wanted: Span | Unsatisfiable | None) -> HttpResponseBase:
    """Bytes, or for HEAD what would be said of them. Raises FileNotFoundError."""
    if isinstance(wanted, Unsatisfiable):
        response: HttpResponseBase = HttpResponse(status=416, content_type=served.mime)
        response["Content-Range"] = f"bytes */{served.size}"
        return response
    span = wanted or Span(0, served.size)
    if request.method == "HEAD":
        response = HttpResponse(content_type=served.mime)
    else:
        response = _streamed(_opened(served.key, span), served)
    response["Content-Length"] = str(span.length)
    if wanted:
        response.status_code = 206
        response["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{served.size}"
    return response


def _opened(key: str, span: Span) -> BinaryIO:
    path = blob_store().local_path(key)
    # Unbuffered: its position must be the system's own, for that is where sendfile begins.
    stream = blob_store().open(key) if path is None else io.FileIO(path)
    return FileSlice(stream, span)


def _streamed(stream: BinaryIO, served: Served) -> FileResponse:
    if not connection.in_atomic_block:
        connection.close()  # a slow reader must not hold a database connection
    response = FileResponse(stream, content_type=served.mime)
    response.block_size = _BLOCK
    return response


def _labelled(response: HttpResponseBase, tag: str, *, is_public: bool) -> HttpResponseBase:
    """What every answer with a picture says: who may keep it, and that it is nothing but a picture."""
    response["ETag"] = tag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = _PUBLIC if is_public else _PRIVATE
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if not is_public:
        response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def nothing() -> HttpResponse:
    """Hidden and absent look the same. Nobody keeps the answer: it may be another for the next person."""
    response = HttpResponseNotFound(content_type="text/plain")
    response["Cache-Control"] = _PRIVATE
    return response
