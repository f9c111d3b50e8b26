"""`/api/safelight/v1/versions` and a model's versions: make drafts, fill them, publish and withdraw them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.own.lookup import find_model, find_version, must_edit
from registry.api.own.serializers import (
    OptionalReason,
    Reason,
    VersionChanges,
    VersionInput,
    VersionLine,
    VersionList,
    VersionSerializer,
    read,
)
from registry.models import ModelVersion
from registry.services.catalog import create_version, edit_version
from registry.services.publishing import delete_version, publish_version, withdraw_version

_NULLS: dict[str, Any] = {"base_model": "", "trained_words": [], "notes": ""}


class ModelVersionsView(APIView):
    """GET, POST models/<owner>/<name>/versions"""

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    @extend_schema(responses=VersionList)
    def get(self, request: Request, owner: str, name: str) -> Response:
        versions = find_model(request, owner, name).versions.visible_to(request.user)
        return Response({"results": VersionLine(versions, many=True).data})

    @extend_schema(request=VersionInput, responses={201: VersionSerializer})
    def post(self, request: Request, owner: str, name: str) -> Response:
        model = find_model(request, owner, name)
        must_edit(request, model)
        version = create_version(model, by=request.user, **read(VersionInput, request, nulls=_NULLS))
        return Response(_shape(version, request), status=201)


class VersionView(APIView):
    """GET, PATCH, DELETE versions/<id>"""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    public_reads = True

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        return Response(_shape(find_version(request, version_id), request))

    @extend_schema(request=VersionChanges, responses=VersionSerializer)
    def patch(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        must_edit(request, version.model)
        edit_version(version, by=request.user, **read(VersionChanges, request, nulls=_NULLS))
        return Response(_shape(find_version(request, version_id), request))

    @extend_schema(request=OptionalReason, responses={204: None})
    def delete(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        must_edit(request, version.model)
        delete_version(version, read(OptionalReason, request)["reason"], by=request.user)
        return Response(status=204)


class PublishVersionView(APIView):
    """POST versions/<id>/publish. 409 lists every unmet check as `unmet`: [{code, field, detail}]."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=None, responses=VersionSerializer)
    def post(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        must_edit(request, version.model)
        publish_version(version, by=request.user)
        return Response(_shape(find_version(request, version_id), request))


class WithdrawVersionView(APIView):
    """POST versions/<id>/withdraw"""

    scopes = {"POST": "models:write"}

    @extend_schema(request=Reason, responses=VersionSerializer)
    def post(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        must_edit(request, version.model)
        withdraw_version(version, read(Reason, request)["reason"], by=request.user)
        return Response(_shape(find_version(request, version_id), request))


def _shape(version: ModelVersion, request: Request) -> Mapping[str, Any]:
    """`version` comes from `find_version`, which has loaded its files, or has none yet."""
    return VersionSerializer(version, context={"request": request}).data
