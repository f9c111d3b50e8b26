"""`/api/safelight/v1/files` and a version's files: attach uploads, read reports, download."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.own.lookup import find_file, find_version, must_edit, visible_files
from registry.api.own.serializers import FileChanges, FileInput, FileReport, FileSerializer, read
from registry.services.files import attach_file, remove_file, rename_file, set_primary_file
from registry.services.sending import send_file


class FileList(serializers.Serializer):
    results = FileSerializer(many=True)


class VersionFilesView(APIView):
    """GET, POST versions/<id>/files"""

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    @extend_schema(responses=FileList)
    def get(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        files = FileSerializer(version.files.all(), many=True, context={"request": request})
        return Response({"results": files.data})

    @extend_schema(request=FileInput, responses={201: FileSerializer})
    def post(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        must_edit(request, version.model)
        file = attach_file(version, **read(FileInput, request), by=request.user)
        return Response(FileSerializer(file, context={"request": request}).data, status=201)


class FileView(APIView):
    """GET, PATCH, DELETE files/<id>: the report, and the file of a draft."""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    public_reads = True

    @extend_schema(responses=FileReport)
    def get(self, request: Request, file_id: int) -> Response:
        return Response(FileReport(find_file(request, file_id), context={"request": request}).data)

    @extend_schema(request=FileChanges, responses=FileSerializer)
    def patch(self, request: Request, file_id: int) -> Response:
        file = find_file(request, file_id)
        must_edit(request, file.version.model)
        given = read(FileChanges, request)
        if "name" in given:
            file = rename_file(file, given["name"], by=request.user)
        if given.get("primary"):
            file = set_primary_file(file, by=request.user)
        return Response(FileSerializer(file, context={"request": request}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, file_id: int) -> Response:
        file = find_file(request, file_id)
        must_edit(request, file.version.model)
        remove_file(file, by=request.user)
        return Response(status=204)


class FileDownloadView(APIView):
    """GET files/<id>/download: the bytes, with ranges; 302 where the store sends them itself."""

    scopes = {"GET": "models:read"}
    public_reads = True

    @extend_schema(
        parameters=[
            OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER),
            OpenApiParameter("confirm", enum=["check"], description="For a file that a moderator let through."),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            302: None,
        },
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        file = get_object_or_404(visible_files(request), pk=file_id)
        return send_file(request, file, request.user)
