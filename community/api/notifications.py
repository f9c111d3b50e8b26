"""`/api/safelight/v1/notifications`: one's notices."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictInteger
from community.api.subjects import SubjectSerializer
from community.models import Notice
from community.services import notifications
from community.services.wording import tell

_MOST_IDS = 200


class NoticeSerializer(serializers.Serializer):
    """A notice: what it says in the reader's language, and what a program makes of it."""

    id = serializers.IntegerField(source="notice.pk")
    kind = serializers.ChoiceField(Notice.Kind.choices, source="notice.kind")
    text = serializers.CharField(source="sentence")
    address = serializers.CharField()
    actors = serializers.ListField(child=serializers.CharField(), help_text="The names of who acted last, two at most.")
    actor_count = serializers.IntegerField(source="notice.actor_count")
    event_count = serializers.IntegerField(source="notice.event_count")
    subject = SubjectSerializer(source="notice.subject", allow_null=True)
    latest_at = serializers.DateTimeField(source="notice.latest_at")
    read_at = serializers.DateTimeField(source="notice.read_at", allow_null=True)


class NoticePageSerializer(serializers.Serializer):
    results = NoticeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    unread = serializers.IntegerField(help_text=f"Counted up to {notifications.COUNTED + 1}.")


class ReadInput(serializers.Serializer):
    ids = serializers.ListField(child=StrictInteger(), required=False, max_length=_MOST_IDS)


class ReadSerializer(serializers.Serializer):
    read = serializers.IntegerField(help_text="How many were unread until now.")


class NotificationsView(APIView):
    """GET notifications: newest first."""

    scopes = {"GET": "social:read"}
    rates = {"GET": "poll"}

    @extend_schema(
        parameters=[OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("limit", OpenApiTypes.INT)],
        responses=NoticePageSerializer,
    )
    def get(self, request: Request) -> Response:
        size = read_size(request, default=notifications.PAGE_SIZE, most=100)
        page = notifications.notices_page(request.user, cursor=request.query_params.get("cursor", ""), size=size)
        found = NoticeSerializer(tell(page.items), many=True).data
        unread = notifications.unread_count(request.user)
        return Response({"results": found, "next": next_address(request, page.next), "unread": unread})


class NotificationsReadView(APIView):
    """POST notifications/read {ids?}: these are read now; without ids all of them."""

    scopes = {"POST": "social:write"}

    @extend_schema(request=ReadInput, responses=ReadSerializer)
    def post(self, request: Request) -> Response:
        given = ReadInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response({"read": notifications.mark_read(request.user, given.validated_data.get("ids"))})
