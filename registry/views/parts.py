"""Parts of uploads, on a site that keeps its bytes in a folder. The address is the permission: signed and dated.

Nothing here reads the body but `request.read`, in blocks: a part is many megabytes and its Content-Type means nothing.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from community.api.common.problems import problem_of
from community.errors import PROBLEM_TYPE, NotAllowed, SafelightError
from registry.errors import UploadRefused
from registry.models import Upload
from registry.services.uploads import receive_part
from registry.storage import blob_store
from registry.storage.local import LocalStore

# A client that is still sending does not see an answer until its body is read; more than this is not worth reading.
_DRAINED_BYTES: Final = 64 << 20


@csrf_exempt
@require_http_methods(["PUT"])
def receive(request: HttpRequest, upload_id: uuid.UUID, number: int) -> HttpResponse:
    """`PUT /uploads/<id>/parts/<number>?until=…&signature=…`: 200 with `ETag`, or a problem document."""
    try:
        _check_address(request, upload_id, number)
        etag = receive_part(upload_id, number, length=_length(request), read=request.read)
    except Upload.DoesNotExist:
        return _refusal(request, Http404())
    except (SafelightError, OSError) as refused:
        return _refusal(request, refused)
    return HttpResponse(status=200, headers={"ETag": f'"{etag}"'})


def _check_address(request: HttpRequest, upload_id: uuid.UUID, number: int) -> None:
    store = blob_store()
    if not isinstance(store, LocalStore):
        raise Upload.DoesNotExist
    until, signature = request.GET.get("until", ""), request.GET.get("signature", "")
    if not store.is_signed(str(upload_id), number, until, signature):
        raise NotAllowed(_("This address has ended. Ask for a new one."), code="address_ended")


def _length(request: HttpRequest) -> int:
    length = _stated_length(request)
    if length is None:
        raise LengthNeeded(_("State the length of the part in Content-Length."), field="part")
    return length


def _stated_length(request: HttpRequest) -> int | None:
    length = request.META.get("CONTENT_LENGTH", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None


class LengthNeeded(UploadRefused):
    """A body of unknown length: it may be endless."""

    status = 411
    code = "length_needed"


def _refusal(request: HttpRequest, refused: Exception) -> HttpResponse:
    problem: dict[str, Any] | None = problem_of(refused)
    if problem is None:
        raise refused
    _drain(request)
    return JsonResponse(problem, status=problem["status"], content_type=PROBLEM_TYPE)


def _drain(request: HttpRequest) -> None:
    left = min(_DRAINED_BYTES, _stated_length(request) or 0)
    try:
        while left > 0 and (block := request.read(min(left, 1 << 20))):
            left -= len(block)
    except OSError:
        return  # the client is gone, and so is the need for an answer
