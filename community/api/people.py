"""Who a program acts as."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.models import ApiToken, User
from community.ratings import ALL_RATINGS, Rating


class QuotaSerializer(serializers.Serializer):
    used_bytes = serializers.IntegerField()
    limit_bytes = serializers.IntegerField()


class MeSerializer(serializers.Serializer):
    name = serializers.CharField()
    display_name = serializers.CharField()
    role = serializers.ChoiceField(User.Role.choices)
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiToken.Scope.choices))
    browsing_levels = serializers.ListField(child=serializers.CharField())
    quota = QuotaSerializer()


class MeView(APIView):
    """GET me: the person, and what the token may do. A session may do everything."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        person = request.user
        scopes = request.auth.scopes if isinstance(request.auth, ApiToken) else ApiToken.Scope.values
        levels = [rating.label for rating in Rating if rating & person.browsing_level & ALL_RATINGS]
        return Response(
            {
                "name": person.username,
                "display_name": person.display_name,
                "role": person.role,
                "scopes": list(scopes),
                "browsing_levels": levels,
                "quota": {"used_bytes": _used_bytes(person), "limit_bytes": settings.QUOTA_BYTES},
            }
        )


def _used_bytes(person: User) -> int:
    """What the room that keeps bytes counts for a person (`settings.QUOTA_USAGE`, a function's dotted name)."""
    return import_string(settings.QUOTA_USAGE)(person) if settings.QUOTA_USAGE else 0
