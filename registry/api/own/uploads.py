"""`/api/safelight/v1/uploads`: files in parts. The parts themselves go to `registry.views.parts`, or to S3."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import keyset_page, next_address, read_size
from community.api.common.serializers import StrictInteger, StrictText
from registry.models import Inspection, Upload
from registry.services.uploads import (
    GivenPart,
    abort_upload,
    complete_upload,
    create_upload,
    list_received,
    sign_parts,
)
from registry.storage import StoredPart

_PAGE = 50
_MOST_PARTS = 10_000


class NewUpload(serializers.Serializer):
    name = StrictText(max_length=255, trim_whitespace=False, help_text=_("The file's name, without folders."))
    size = StrictInteger(help_text=_("Bytes."))
    sha256 = StrictText(max_length=64, required=False, default="", allow_blank=True)


class PartNumbers(serializers.Serializer):
    numbers = serializers.ListField(child=StrictInteger(min_value=1, max_value=_MOST_PARTS), max_length=1_000)


class GivenPartSerializer(serializers.Serializer):
    number = StrictInteger()
    etag = StrictText(max_length=200)


class GivenParts(serializers.Serializer):
    parts = serializers.ListField(child=GivenPartSerializer(), max_length=_MOST_PARTS)


class ReceivedPart(serializers.Serializer):
    number = serializers.IntegerField()
    size = serializers.IntegerField()
    etag = serializers.CharField()


class SignedPart(serializers.Serializer):
    number = serializers.IntegerField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class SignedParts(serializers.Serializer):
    parts = SignedPart(many=True)


class InspectionProgress(serializers.Serializer):
    state = serializers.ChoiceField(choices=Inspection.State.choices)
    step = serializers.CharField()
    bytes_read = serializers.IntegerField()
    size = serializers.IntegerField()


class UploadError(serializers.Serializer):
    code = serializers.CharField()
    field = serializers.CharField(required=False)
    detail = serializers.CharField()


class CreatedUpload(serializers.Serializer):
    id = serializers.UUIDField()
    part_size = serializers.IntegerField()
    parts = serializers.IntegerField(help_text=_("How many parts to send."))
    expires_at = serializers.DateTimeField()


class UploadSerializer(CreatedUpload):
    name = serializers.CharField()
    size = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Upload.State.choices)
    created_at = serializers.DateTimeField()
    received = ReceivedPart(many=True, required=False)
    inspection = InspectionProgress(allow_null=True)
    verdict = serializers.CharField()
    error = UploadError(allow_null=True)


class UploadPage(serializers.Serializer):
    results = UploadSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class UploadsView(APIView):
    """One's own uploads: begin one, or see which are under way."""

    scopes = {"GET": "models:read", "POST": "models:write"}
    rates = {"GET": "poll", "POST": "upload"}

    @extend_schema(operation_id="uploads_list", responses=UploadPage)
    def get(self, request: Request) -> Response:
        rows = _own(request)
        if state := request.query_params.get("state", ""):
            rows = rows.filter(state__in=set(state.split(",")) & set(Upload.State.values))
        size = read_size(request, default=_PAGE, most=_PAGE)
        # One person's uploads begin one after another, so that the moment alone tells them apart.
        page = keyset_page(rows, ["-created_at"], cursor=request.query_params.get("cursor", ""), size=size)
        results = [upload_shape(upload) for upload in page.items]
        return Response({"results": results, "next": next_address(request, page.next)})

    @extend_schema(request=NewUpload, responses={201: CreatedUpload})
    def post(self, request: Request) -> Response:
        wanted = _read(NewUpload, request)
        return Response(_created_shape(create_upload(by=request.user, **wanted)), status=201)


class UploadView(APIView):
    """One upload: where it stands, or an end to it."""

    scopes = {"GET": "models:read", "DELETE": "models:write"}
    rates = {"GET": "poll"}

    @extend_schema(responses=UploadSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        upload = get_object_or_404(_own(request), pk=upload_id)
        return Response({**upload_shape(upload), "received": [_part_shape(part) for part in list_received(upload)]})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, upload_id: UUID) -> Response:
        abort_upload(get_object_or_404(_own(request), pk=upload_id))
        return Response(status=204)


class UploadPartsView(APIView):
    """Addresses to PUT parts to. They need neither cookie nor token, and hold for an hour."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=PartNumbers, responses=SignedParts)
    def post(self, request: Request, upload_id: UUID) -> Response:
        upload = get_object_or_404(_own(request), pk=upload_id)
        targets = sign_parts(upload, _read(PartNumbers, request)["numbers"])
        shapes = [
            {
                "number": target.number,
                "url": request.build_absolute_uri(target.url),
                "headers": target.headers,
                "expires_at": target.expires_at,
            }
            for target in targets
        ]
        return Response({"parts": shapes})


class UploadCompleteView(APIView):
    """All parts are sent: the bytes are inspected from here on."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=GivenParts, responses={202: UploadSerializer})
    def post(self, request: Request, upload_id: UUID) -> Response:
        upload = get_object_or_404(_own(request), pk=upload_id)
        given = [GivenPart(part["number"], part["etag"]) for part in _read(GivenParts, request)["parts"]]
        complete_upload(upload, given)
        return Response(upload_shape(_own(request).get(pk=upload_id)), status=202)


def upload_shape(upload: Upload) -> dict[str, Any]:
    """An upload with its inspection, for whoever sent it. Its parts are the store's to list."""
    return {
        **_created_shape(upload),
        "name": upload.name,
        "size": upload.size,
        "state": upload.state,
        "created_at": upload.created_at,
        "inspection": _inspection_shape(upload),
        "verdict": _verdict(upload),
        "error": upload.error or None,
    }


def _own(request: Request):
    return Upload.objects.of(request.user).select_related("inspection", "blob")


def _read(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data


def _created_shape(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.pk,
        "part_size": upload.part_size,
        "parts": upload.part_count,
        "expires_at": upload.expires_at,
    }


def _part_shape(part: StoredPart) -> dict[str, Any]:
    return {"number": part.number, "size": part.size, "etag": f'"{part.etag}"'}


def _inspection_shape(upload: Upload) -> dict[str, Any] | None:
    inspection = getattr(upload, "inspection", None)
    if inspection is None:
        return None
    return {
        "state": inspection.state,
        "step": inspection.step,
        "bytes_read": inspection.bytes_read,
        "size": upload.size,
    }


def _verdict(upload: Upload) -> str:
    if upload.blob is not None:
        return upload.blob.verdict
    return "unreadable" if upload.state == Upload.State.FAILED else "pending"
