"""Media addresses of results: private to their maker, or to whoever may see the preview that shows them."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from inference.models import RenderResult
from inference.policies import can_see_receipt
from registry.models import Rendition
from registry.models.files import Verdict
from registry.views.media import Served, nothing, send, visible_to_asker


@require_safe
def result_original(request: HttpRequest, result_id: uuid.UUID) -> HttpResponseBase:
    """The PNG as it was rendered, receipt inside."""
    result, is_public = _result(request, result_id)
    if result is None or not can_see_receipt(request.user, result):
        return nothing()
    blob = result.picture.blob
    served = Served(blob.key, blob.size, "image/png", f"render-{result.pk}.png", f"result-{result.pk}-original")
    return send(request, served, is_public=is_public)


@require_safe
def result_rendition(request: HttpRequest, result_id: uuid.UUID, width: int, format: str) -> HttpResponseBase:
    """A smaller copy, without metadata."""
    result, is_public = _result(request, result_id)
    copy = result and Rendition.objects.filter(picture=result.picture_id, format=format, width=width).first()
    if not copy:
        return nothing()
    name = f"render-{result.pk}-{copy.width}.{copy.format}"
    content = f"result-{result.pk}-{copy.pk}-{copy.size}"
    served = Served(copy.key, copy.size, f"image/{copy.format}", name, content)
    return send(request, served, is_public=is_public)


@require_safe
def result_receipt(request: HttpRequest, result_id: uuid.UUID) -> HttpResponseBase:
    """The receipt as it is stored, to keep."""
    result, is_public = _result(request, result_id)
    if result is None or not can_see_receipt(request.user, result):
        return nothing()
    response = HttpResponse(result.receipt.body, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="receipt-{result.pk}.json"'
    response["Cache-Control"] = "public, max-age=3600" if is_public else "private, no-cache"
    return response


def _result(request: HttpRequest, result_id: uuid.UUID) -> tuple[RenderResult | None, bool]:
    rows = RenderResult.objects.select_related("job", "receipt", "picture__blob").filter(pk=result_id)
    return visible_to_asker(request, rows.exclude(picture__blob__verdict=Verdict.BLOCKED))
