"""`/api/safelight/v1/renders`: ask for one, see where it stands, call it off, read its receipt."""

from __future__ import annotations

import json
import uuid

from django.db.models import Prefetch
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import keyset_page, next_address, read_size
from community.errors import InvalidInput
from inference.api.own.serializers import (
    QueuedRenderShape,
    RenderPage,
    RenderRequestShape,
    RenderShape,
    queued_shape,
    render_shape,
)
from inference.models import RenderJob, RenderResult
from inference.services.cancelling import cancel_render
from inference.services.submitting import submit_render
from registry.models.files import Verdict
from registry.views.media import Served, send

_SIZE = 20
_MOST = 100
_ORDER = ("-created_at", "-id")
_RESULTS = Prefetch("results", RenderResult.objects.with_shown())
_INDEX = OpenApiParameter("index", OpenApiTypes.INT, description="Which picture of a batch, from 0.")


class RendersView(APIView):
    """GET, POST renders: one's own, newest first; a new one."""

    scopes = {"GET": "renders:read", "POST": "renders:write"}

    @extend_schema(
        operation_id="renders_list",
        parameters=[OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("limit", OpenApiTypes.INT)],
        responses=RenderPage,
    )
    def get(self, request: Request) -> Response:
        size = read_size(request, default=_SIZE, most=_MOST)
        own = RenderJob.objects.of(request.user).prefetch_related(_RESULTS)
        page = keyset_page(own, _ORDER, cursor=request.query_params.get("cursor", ""), size=size)
        rows = [render_shape(job, request) for job in page.items]
        return Response({"results": rows, "next": next_address(request, page.next)})

    @extend_schema(request=RenderRequestShape, responses={202: QueuedRenderShape})
    def post(self, request: Request) -> Response:
        job = submit_render(request.data, by=request.user)
        return Response(queued_shape(job), status=202)


class RenderView(APIView):
    """GET, DELETE renders/<id>: where it stands; an end to it."""

    scopes = {"GET": "renders:read", "DELETE": "renders:write"}
    rates = {"GET": "poll"}

    @extend_schema(responses=RenderShape)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        return Response(render_shape(_job(request, job_id), request))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, job_id: uuid.UUID) -> Response:
        cancel_render(_job(request, job_id), by=request.user)
        return Response(status=204)


class RenderReceiptView(APIView):
    """GET renders/<id>/receipt: how the picture was made, exact enough to make it again."""

    scopes = {"GET": "renders:read"}

    @extend_schema(parameters=[_INDEX], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        return Response(json.loads(_result(request, job_id).receipt.body))


class RenderPictureView(APIView):
    """GET renders/<id>/picture: the PNG, receipt inside."""

    scopes = {"GET": "renders:read"}

    @extend_schema(parameters=[_INDEX], responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID) -> HttpResponseBase:
        result = _result(request, job_id)
        blob = result.picture.blob
        if blob.verdict == Verdict.BLOCKED:
            raise Http404
        served = Served(blob.key, blob.size, "image/png", f"render-{result.pk}.png", f"result-{result.pk}-original")
        answer = send(request._request, served, is_public=False)  # noqa: SLF001 - Django's own, as Django's parts take
        if answer.status_code == 404:  # the bytes are gone; programs are told so in their own words
            raise Http404
        return answer


def _result(request: Request, job_id: uuid.UUID) -> RenderResult:
    """The picture that `index` names, of a render of one's own."""
    text = request.query_params.get("index", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise InvalidInput(_("This must be a whole number."), field="index")
    results = RenderResult.objects.of(request.user).select_related("receipt", "picture__blob")
    return get_object_or_404(results, job_id=job_id, index=int(text))


def _job(request: Request, job_id: uuid.UUID) -> RenderJob:
    own = RenderJob.objects.of(request.user).prefetch_related(_RESULTS)
    return get_object_or_404(own, pk=job_id)
