"""`/api/safelight/v1/files/<id>/conversions`: a safe pickle as `.safetensors`."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from registry.api.own.lookup import find_file, visible_files
from registry.api.own.serializers import HashesSerializer, read
from registry.models import Conversion, ModelFile
from registry.models.files import Verdict
from registry.search import hashes_of
from registry.services.conversions import request_conversion
from registry.services.sending import send_conversion


class ConversionInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Conversion.Kind.choices)


class ConversionError(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class ConversionSerializer(serializers.ModelSerializer):
    """What became of a conversion. `context["file"]` is the file that it is shown under."""

    name = serializers.SerializerMethodField()
    size = serializers.IntegerField(source="result.size", default=None, allow_null=True)
    verdict = serializers.ChoiceField(choices=Verdict.choices, source="result.verdict", default=Verdict.PENDING)
    hashes = serializers.SerializerMethodField()
    download_url = serializers.SerializerMethodField()
    report = serializers.DictField(help_text="What was kept, cast, shared and left out.")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Conversion
        fields = [
            "kind", "state", "name", "size", "verdict", "hashes", "download_url", "report", "error", "queued_at",
            "finished_at",
        ]  # fmt: skip

    def get_name(self, conversion: Conversion) -> str:
        return conversion.name_for(self.context["file"].name)

    @extend_schema_field(HashesSerializer)
    def get_hashes(self, conversion: Conversion) -> dict[str, str]:
        return hashes_of(conversion.result.hashes.all()) if conversion.result else {}

    def get_download_url(self, conversion: Conversion) -> str:
        place = [self.context["file"].pk, conversion.kind]
        return reverse("api-file-conversion-download", args=place, request=self.context["request"])

    @extend_schema_field(ConversionError(allow_null=True))
    def get_error(self, conversion: Conversion) -> dict[str, Any] | None:
        return {"code": conversion.error["code"], "detail": conversion.refusal} if conversion.error else None


class ConversionList(serializers.Serializer):
    results = ConversionSerializer(many=True)


class FileConversionsView(APIView):
    """GET, POST files/<id>/conversions {kind}: what there is, and a wish for more."""

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    @extend_schema(responses=ConversionList)
    def get(self, request: Request, file_id: int) -> Response:
        file = find_file(request, file_id)
        found = Conversion.objects.for_display().filter(source=file.blob_id)
        return Response({"results": ConversionSerializer(found, many=True, context=_context(request, file)).data})

    @extend_schema(request=ConversionInput, responses={202: ConversionSerializer})
    def post(self, request: Request, file_id: int) -> Response:
        file = find_file(request, file_id)
        conversion = request_conversion(file, **read(ConversionInput, request), by=request.user)
        return Response(ConversionSerializer(conversion, context=_context(request, file)).data, status=202)


class ConversionDownloadView(APIView):
    """GET files/<id>/conversions/<kind>/download: the bytes, with ranges; 302 where the store sends them itself."""

    scopes = {"GET": "models:read"}
    public_reads = True

    @extend_schema(
        parameters=[OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER)],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            302: None,
        },
    )
    def get(self, request: Request, file_id: int, kind: str) -> HttpResponseBase:
        file = get_object_or_404(visible_files(request), pk=file_id)
        conversion = get_object_or_404(Conversion.objects.for_display(), source=file.blob_id, kind=kind)
        return send_conversion(request, file, conversion, request.user)


def _context(request: Request, file: ModelFile) -> dict[str, Any]:
    return {"request": request, "file": file}
