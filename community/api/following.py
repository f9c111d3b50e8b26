"""`/api/safelight/v1/follows` and `mutes`: what one hears of, and what one does not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.subjects import SubjectSerializer
from community.models import Subject
from community.services import following

_PAGE = [OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("limit", OpenApiTypes.INT)]
_SCOPES = {"GET": "social:read", "PUT": "social:write", "DELETE": "social:write"}
_COUNTED_BY_THE_SERVICE = {"PUT": "", "DELETE": ""}


class SubjectPageSerializer(serializers.Serializer):
    results = SubjectSerializer(many=True)
    next = serializers.CharField(allow_null=True)


def _page(request: Request, rows: Callable[..., Any]) -> Response:
    size = read_size(request, default=following.PAGE_SIZE, most=100)
    page = rows(request.user, cursor=request.query_params.get("cursor", ""), size=size)
    found = SubjectSerializer([row.subject for row in page.items], many=True).data
    return Response({"results": found, "next": next_address(request, page.next)})


def _find(request: Request, kind: str, thing: str) -> Subject:
    subject = following.find_subject(kind, thing, request.user)
    if subject is None:
        raise Http404
    return subject


class FollowsView(APIView):
    """GET follows: what one follows, newest first."""

    scopes = _SCOPES

    @extend_schema(parameters=_PAGE, responses=SubjectPageSerializer)
    def get(self, request: Request) -> Response:
        return _page(request, following.follows_of)


class FollowView(APIView):
    """PUT, DELETE follows/<kind>/<id>: people/mira, models/mira/ink, tags/ink, topics/7, collections/…"""

    scopes = _SCOPES
    rates = _COUNTED_BY_THE_SERVICE

    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, kind: str, thing: str) -> Response:
        following.follow(_find(request, kind, thing), by=request.user)
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, kind: str, thing: str) -> Response:
        following.unfollow(_find(request, kind, thing), by=request.user)
        return Response(status=204)


class MutesView(APIView):
    """GET mutes: what one hides, newest first."""

    scopes = _SCOPES

    @extend_schema(parameters=_PAGE, responses=SubjectPageSerializer)
    def get(self, request: Request) -> Response:
        return _page(request, following.mutes_of)


class MuteView(APIView):
    """PUT, DELETE mutes/<kind>/<id>: hide it from one's own lists and notices, or show it again."""

    scopes = _SCOPES
    rates = _COUNTED_BY_THE_SERVICE

    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, kind: str, thing: str) -> Response:
        following.hide(_find(request, kind, thing), by=request.user)
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, kind: str, thing: str) -> Response:
        following.unhide(_find(request, kind, thing), by=request.user)
        return Response(status=204)
