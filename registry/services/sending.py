"""A model file as an answer to a request: whole, in part, or by somebody else's hand (nginx, an S3 store)."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from registry.errors import BytesMissing, NeedsConfirmation, NotServable
from registry.models import Blob, Conversion, ModelFile
from registry.policies import Refusal, Serving, Viewer, can_serve, can_serve_conversion
from registry.services.downloads import count_download
from registry.storage import blob_store

_BLOCK: Final = 1 << 20
_SIGNED_SECONDS: Final = 300
_CONTENT_TYPE: Final = "application/octet-stream"
# One range of bytes; digits are few enough for any file there is and for any integer parser.
_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,30})\s*-\s*(\d{0,30})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """Bytes `start` to before `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class _Offer:
    """Bytes, the name under which they are saved, the file that is counted, and the terms."""

    file: ModelFile
    blob: Blob
    name: str
    serving: Serving


class Unsatisfiable(Exception):
    """A well-formed range that begins beyond the end."""


def send_file(request: HttpRequest, file: ModelFile, viewer: Viewer) -> HttpResponseBase:
    """Answer a GET or HEAD for a file's bytes, if the policy lets them go to this viewer.

    Raises Http404 for what the viewer may not know of, NotServable without a passing verdict, NeedsConfirmation for
    a waived file until the request says `confirm=check`, BytesMissing when the store fails.
    """
    serving = _checked(can_serve(file, viewer), confirmed=request.GET.get("confirm") == "check")
    return _send(request, _Offer(file, file.blob, file.name, serving))


def send_conversion(request: HttpRequest, file: ModelFile, conversion: Conversion, viewer: Viewer) -> HttpResponseBase:
    """The same for the `.safetensors` that was made of a file. Counts as a download of the file."""
    serving = _checked(can_serve_conversion(file, conversion, viewer))
    return _send(request, _Offer(file, conversion.result, conversion.name_for(file.name), serving))


def _send(request: HttpRequest, offer: _Offer) -> HttpResponseBase:
    serving, blob = offer.serving, offer.blob
    if serving.is_public and is_known(request.headers.get("If-None-Match", ""), blob):
        return _labelled(HttpResponse(status=304), offer)
    try:
        span = _wanted(request, blob)
    except Unsatisfiable:
        answer = HttpResponse(status=416, content_type=_CONTENT_TYPE)
        answer["Content-Range"] = f"bytes */{blob.size}"
        return _labelled(answer, offer)
    if request.method == "GET" and is_counted(serving, span):
        count_download(request, offer.file)
    answer = _answer(request, offer, span)
    return _labelled(answer, offer)


def _checked(serving: Serving, *, confirmed: bool = False) -> Serving:
    """The terms themselves. Raises Http404, NotServable or NeedsConfirmation where they are not met."""
    if serving.refusal is Refusal.HIDDEN:
        raise Http404
    if not serving.allowed:
        sentences = {
            Refusal.TAKEN_DOWN: _("A moderator has taken this model down."),
            Refusal.PENDING: _("This file has not been inspected yet. Try again when it is."),
            Refusal.CHECK: _("This file waits for a moderator, for it holds something that is not known to be safe."),
            Refusal.BLOCKED: _("This file could run code and is not given to anyone. Its report says why."),
            Refusal.UNREADABLE: _("This file is broken or not what it claims to be. Its report says why."),
        }
        raise NotServable(sentences[serving.refusal], extra={"reason": str(serving.refusal)})
    if serving.needs_confirmation and not confirmed:
        raise NeedsConfirmation(
            _("A moderator let this file through although it holds something unknown. To take it, add “confirm=check”.")
        )
    return serving


def is_counted(serving: Serving, span: Span | None) -> bool:
    """Public files count, once their first byte is asked for."""
    return (serving.is_public or serving.needs_confirmation) and (span is None or span.start == 0)


def etag_of(blob: Blob) -> str:
    """A strong validator: the bytes' own name."""
    return f'"{blob.sha256}"'


def is_known(condition: str, blob: Blob) -> bool:
    """Whether an If-None-Match header names these bytes. `W/` counts too: a proxy that packs answers puts it there."""
    named = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
    return not named.isdisjoint({etag_of(blob), "*"})


def _wanted(request: HttpRequest, blob: Blob) -> Span | None:
    """The part that is asked for, or None for the whole. Raises Unsatisfiable."""
    condition = request.headers.get("If-Range", "").strip()
    if condition and condition != etag_of(blob):
        return None  # the caller holds a part of something else
    return read_range(request.headers.get("Range", ""), blob.size)


def read_range(header: str, size: int) -> Span | None:
    """One range out of a Range header; None where it is absent, malformed or of several: then the whole is sent.

    Raises Unsatisfiable for a range that holds none of `size` bytes.
    """
    match = _RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if length == 0:
            raise Unsatisfiable
        return Span(size - length, size)
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(int(match[2]) + 1, size) if match[2] else size)


def _answer(request: HttpRequest, offer: _Offer, span: Span | None) -> HttpResponseBase:
    blob, store = offer.blob, blob_store()
    path = store.local_path(blob.key)
    if request.method == "HEAD":
        return _spanned(HttpResponse(content_type=_CONTENT_TYPE), blob, span)
    if path is None:
        disposition = disposition_of(offer.name, ascii_only=True)
        url = store.signed_url(blob.key, disposition=disposition, content_type=_CONTENT_TYPE, seconds=_SIGNED_SECONDS)
        return HttpResponseRedirect(str(url))
    if settings.ACCEL_PREFIX:
        answer = HttpResponse(content_type=_CONTENT_TYPE)  # nginx reads the range for itself
        answer["X-Accel-Redirect"] = f"{settings.ACCEL_PREFIX.rstrip('/')}/{quote(blob.key)}"
        return answer
    part = FileSlice(_opened(path, blob), span or Span(0, blob.size))
    _give_back_connection()
    answer = FileResponse(part, content_type=_CONTENT_TYPE)
    answer.block_size = _BLOCK
    return _spanned(answer, blob, span)


def _opened(path: Path, blob: Blob) -> io.FileIO:
    """The file, unbuffered: its position must be the system's own, for that is where sendfile begins."""
    try:
        stream = io.FileIO(path)
    except OSError as error:
        raise BytesMissing(_("The bytes of this file cannot be read now. Try again later.")) from error
    if os.fstat(stream.fileno()).st_size != blob.size:
        stream.close()
        raise BytesMissing(_("The bytes of this file cannot be read now. Try again later."))
    return stream


def _give_back_connection() -> None:
    """A streaming answer would keep its database connection until the last byte."""
    if not connection.in_atomic_block:
        connection.close()


def _spanned(answer: HttpResponseBase, blob: Blob, span: Span | None) -> HttpResponseBase:
    answer["Content-Length"] = str(span.length if span else blob.size)
    if span:
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{blob.size}"
    return answer


def _labelled(answer: HttpResponseBase, offer: _Offer) -> HttpResponseBase:
    """What every answer about a file says. Only what everybody may have is kept by caches, and they ask each time:
    a verdict can change."""
    answer["Cache-Control"] = "public, no-cache" if _may_be_kept(answer, offer.serving) else "private, no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    if answer.status_code != 302:
        answer["ETag"] = etag_of(offer.blob)
        answer["Accept-Ranges"] = "bytes"
        answer["Content-Disposition"] = disposition_of(offer.name)
    return answer


def _may_be_kept(answer: HttpResponseBase, serving: Serving) -> bool:
    return serving.is_public and answer.status_code != 302 and not settings.LOGIN_TO_LOOK


def disposition_of(name: str, *, ascii_only: bool = False) -> str:
    """Save as `name`, in one `filename` parameter. Names hold no quote, control sign or escape (`clean_file_name`).

    Written as raw UTF-8, which browsers and curl read alike, and which a client that knows Latin-1 alone can turn
    back. `ascii_only` is for headers that a store will write: there the form of RFC 8187 stands for other letters.
    """
    if name.isascii():
        return f'attachment; filename="{name}"'
    if ascii_only:
        return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{name.encode().decode("latin-1")}"'


class FileSlice(io.RawIOBase):
    """A part of a file that behaves as if it were the whole of one.

    `tell` and `seek` let Django learn the length without reading it away; `fileno` and the true position of the
    underlying file let the server hand it to sendfile, which stops at Content-Length.
    """

    def __init__(self, stream: IO[bytes] | io.FileIO, span: Span) -> None:
        super().__init__()
        self._stream = stream
        self._span = span
        stream.seek(span.start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def tell(self) -> int:
        return self._stream.tell() - self._span.start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._span.length}[whence]
        place = min(max(origin + offset, 0), self._span.length)
        self._stream.seek(self._span.start + place)
        return place

    def read(self, size: int = -1) -> bytes:
        left = self._span.length - self.tell()
        return self._stream.read(left if size is None or size < 0 else min(size, left)) or b""

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
