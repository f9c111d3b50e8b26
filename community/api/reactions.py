"""Reactions in our own API. What takes them mounts `ReactionView` under its own address."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.models import Reaction, Subject
from community.services.reacting import react, reactions_by, take_back


class ReactionCountsSerializer(serializers.Serializer):
    """How many reactions of each kind a subject has."""

    like = serializers.IntegerField(source="like_count")
    heart = serializers.IntegerField(source="heart_count")
    laugh = serializers.IntegerField(source="laugh_count")
    cry = serializers.IntegerField(source="cry_count")


class ReactionsSerializer(ReactionCountsSerializer):
    """The same, and which are one's own."""

    mine = serializers.SerializerMethodField()

    def get_mine(self, subject: Subject) -> list[str]:
        return sorted(self.context.get("mine", {}).get(subject.pk, ()))


class ReactionView(APIView):
    """PUT, DELETE …/reactions/<kind> of whatever `get_subject` finds: that method is all that a subclass writes."""

    scopes = {"PUT": "social:write", "DELETE": "social:write"}
    rates = {"PUT": "", "DELETE": ""}  # counted by the service, as "reaction"

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        raise NotImplementedError

    @extend_schema(request=None, responses=ReactionsSerializer)
    def put(self, request: Request, kind: str, **parts: Any) -> Response:
        subject = self.get_subject(request, **parts)
        react(subject, kind, by=request.user)
        return _counts(request, subject)

    @extend_schema(responses=ReactionsSerializer)
    def delete(self, request: Request, kind: str, **parts: Any) -> Response:
        subject = self.get_subject(request, **parts)
        take_back(subject, kind, by=request.user)
        return _counts(request, subject)


def _counts(request: Request, subject: Subject) -> Response:
    subject.refresh_from_db(fields=[*(f"{kind}_count" for kind in Reaction.Kind.values)])
    mine = reactions_by(request.user, [subject.pk])
    return Response(ReactionsSerializer(subject, context={"mine": mine}).data)
