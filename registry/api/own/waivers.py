"""`/api/safelight/v1/files/<id>/waiver`: a moderator lets a *check* file through, or stops it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.serializers import StrictText
from registry.api.own.lookup import find_file
from registry.api.own.serializers import read
from registry.services.waiving import grant_waiver, withdraw_waiver


class WaiverInput(serializers.Serializer):
    reason = StrictText(max_length=500)


class WaiverSerializer(serializers.Serializer):
    """The decision, and the findings that it is about."""

    granted_by = serializers.CharField(source="granted_by.username")
    reason = serializers.CharField()
    findings = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    created_at = serializers.DateTimeField()


class FileWaiverView(APIView):
    """POST, DELETE files/<id>/waiver {reason}"""

    scopes = {"POST": "models:write", "DELETE": "models:write"}

    @extend_schema(request=WaiverInput, responses={201: WaiverSerializer})
    def post(self, request: Request, file_id: int) -> Response:
        file = find_file(request, file_id)
        waiver = grant_waiver(file, **read(WaiverInput, request), by=request.user)
        return Response(WaiverSerializer(waiver).data, status=201)

    @extend_schema(request=WaiverInput, responses={204: None})
    def delete(self, request: Request, file_id: int) -> Response:
        withdraw_waiver(find_file(request, file_id), **read(WaiverInput, request), by=request.user)
        return Response(status=204)
