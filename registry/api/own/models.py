"""`/api/safelight/v1/models`: find them, make them, change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.comments import CommentListView
from community.api.common.paging import next_address
from community.errors import InvalidInput, NotAllowed, SafelightError
from community.models import Subject
from registry.api.own.lookup import find_model, must_edit
from registry.api.own.serializers import (
    ModelChanges,
    ModelInput,
    ModelPage,
    ModelSerializer,
    OptionalReason,
    Reason,
    read,
)
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.effective import RIGHTS
from registry.models import RegisteredModel
from registry.search import SORTS, read_query, search_models
from registry.services.catalog import create_model, edit_model
from registry.services.moderating import restore_model, take_down_model
from registry.services.publishing import delete_model

_SEARCH = [
    OpenApiParameter("q", description="Words, `#tag`, `@owner` or `hash:…`."),
    OpenApiParameter("type", many=True, enum=list(MODEL_TYPES)),
    OpenApiParameter("base_model", many=True, enum=list(BASE_MODELS)),
    OpenApiParameter("tag", many=True, description="Models that bear all of them."),
    OpenApiParameter("right", many=True, enum=list(RIGHTS), description="Uses that must all be allowed."),
    OpenApiParameter("sort", enum=list(SORTS)),
    OpenApiParameter("cursor", OpenApiTypes.STR),
]
_NULLS = {"license": ""}


class ModelsView(APIView):
    """GET, POST models"""

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    @extend_schema(operation_id="models_search", parameters=_SEARCH, responses=ModelPage)
    def get(self, request: Request) -> Response:
        query, bad = read_query(request.query_params)
        if bad:
            raise InvalidInput(_("“%(name)s” has a value that is not known here.") % {"name": bad[0]}, field=bad[0])
        page = search_models(query, request.user)
        found = {"results": page.results, "next": next_address(request, page.next_cursor)}
        return Response(ModelPage(found, context={"request": request}).data)

    @extend_schema(request=ModelInput, responses={201: ModelSerializer})
    def post(self, request: Request) -> Response:
        given = read(ModelInput, request, nulls=_NULLS)
        owner = given.pop("owner", request.user.username)
        if owner.lower() != request.user.username.lower():
            raise NotAllowed(_("You may make models of your own only."), field="owner")
        return Response(_shape(_created(request, given), request), status=201)


def _created(request: Request, given: dict[str, Any]) -> RegisteredModel:
    if "title" in given:
        return create_model(by=request.user, **given)
    given["title"] = given.pop("name")
    try:
        return create_model(by=request.user, **given)
    except SafelightError as refusal:
        refusal.field = "name" if refusal.field == "title" else refusal.field  # as the caller called it
        raise


class ModelView(APIView):
    """GET, PATCH, DELETE models/<owner>/<name>. Names that a model once had lead to it."""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    public_reads = True

    @extend_schema(responses=ModelSerializer)
    def get(self, request: Request, owner: str, name: str) -> Response:
        return Response(_shape(find_model(request, owner, name), request))

    @extend_schema(request=ModelChanges, responses=ModelSerializer)
    def patch(self, request: Request, owner: str, name: str) -> Response:
        model = find_model(request, owner, name)
        must_edit(request, model)
        model = edit_model(model, by=request.user, **read(ModelChanges, request, nulls=_NULLS))
        return Response(_shape(model, request))

    @extend_schema(request=OptionalReason, responses={204: None})
    def delete(self, request: Request, owner: str, name: str) -> Response:
        model = find_model(request, owner, name)
        must_edit(request, model)
        delete_model(model, read(OptionalReason, request)["reason"], by=request.user)
        return Response(status=204)


class ModelCommentsView(CommentListView):
    """GET, POST models/<owner>/<name>/comments"""

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        return find_model(request, parts["owner"], parts["name"]).subject


class TakeDownView(APIView):
    """POST models/<owner>/<name>/take-down: a moderator's act."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=Reason, responses=ModelSerializer)
    def post(self, request: Request, owner: str, name: str) -> Response:
        model = take_down_model(find_model(request, owner, name), read(Reason, request)["reason"], by=request.user)
        return Response(_shape(model, request))


class RestoreView(APIView):
    """POST models/<owner>/<name>/restore: a moderator's act."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=Reason, responses=ModelSerializer)
    def post(self, request: Request, owner: str, name: str) -> Response:
        model = restore_model(find_model(request, owner, name), read(Reason, request)["reason"], by=request.user)
        return Response(_shape(model, request))


def _shape(model: RegisteredModel, request: Request) -> Mapping[str, Any]:
    versions = list(model.versions.visible_to(request.user))
    return ModelSerializer(model, context={"request": request, "versions": versions}).data
