"""`/api/safelight/v1/topics`: talk that belongs to no model."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.comments import CommentListView, RemovalInput
from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictText
from community.models import Subject, Topic
from community.services import topics


class TopicSummarySerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.username")
    address = serializers.CharField(source="get_absolute_url")
    comment_count = serializers.IntegerField(source="subject.comment_count")
    is_public = serializers.BooleanField(source="subject.is_public")

    class Meta:
        model = Topic
        fields = [
            "id",
            "author",
            "title",
            "tags",
            "address",
            "comment_count",
            "is_public",
            "created_at",
            "edited_at",
            "spoken_at",
        ]


class TopicSerializer(TopicSummarySerializer):
    class Meta(TopicSummarySerializer.Meta):
        fields = [*TopicSummarySerializer.Meta.fields, "text"]


class TopicPageSerializer(serializers.Serializer):
    results = TopicSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TopicInput(serializers.Serializer):
    # The service says how long each may be: one sentence for the page and for programs.
    title = StrictText(max_length=100 * topics.MAX_TITLE)
    text = StrictText(max_length=200 * topics.MAX_TEXT, lines=True, trim_whitespace=False, default="", allow_blank=True)
    tags = serializers.ListField(child=StrictText(max_length=1000), default=list, max_length=100)


class TopicChanges(TopicInput):
    title = StrictText(max_length=100 * topics.MAX_TITLE, required=False)
    text = StrictText(
        max_length=200 * topics.MAX_TEXT, lines=True, trim_whitespace=False, required=False, allow_blank=True
    )
    tags = serializers.ListField(child=StrictText(max_length=1000), required=False, max_length=100)


class TopicsView(APIView):
    """GET, POST topics"""

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    @extend_schema(
        operation_id="topics_list",
        parameters=[
            OpenApiParameter("sort", enum=list(topics.SORTS)),
            OpenApiParameter("tag", OpenApiTypes.STR),
            OpenApiParameter("q", OpenApiTypes.STR, description="Words of the title and the text, all of them."),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("limit", OpenApiTypes.INT),
        ],
        responses=TopicPageSerializer,
    )
    def get(self, request: Request) -> Response:
        size = read_size(request, default=topics.PAGE_SIZE, most=100)
        asked = request.query_params
        page = topics.topics_page(
            request.user,
            sort=asked.get("sort") or "lively",
            tag=asked.get("tag", ""),
            words=asked.get("q", ""),
            cursor=asked.get("cursor", ""),
            size=size,
        )
        found = TopicSummarySerializer(page.items, many=True).data
        return Response({"results": found, "next": next_address(request, page.next)})

    @extend_schema(request=TopicInput, responses={201: TopicSerializer})
    def post(self, request: Request) -> Response:
        given = TopicInput(data=request.data)
        given.is_valid(raise_exception=True)
        topic = topics.begin_topic(**given.validated_data, by=request.user)
        return Response(TopicSerializer(topic).data, status=201)


class TopicView(APIView):
    """GET, PATCH, DELETE topics/<id>"""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    public_reads = True

    @extend_schema(responses=TopicSerializer)
    def get(self, request: Request, topic_id: int) -> Response:
        return Response(TopicSerializer(_find(request, topic_id)).data)

    @extend_schema(request=TopicChanges, responses=TopicSerializer)
    def patch(self, request: Request, topic_id: int) -> Response:
        topic = _find(request, topic_id)
        given = TopicChanges(data=request.data)
        given.is_valid(raise_exception=True)
        kept = {"title": topic.title, "text": topic.text, "tags": topic.tags}
        topic = topics.edit_topic(topic, **{**kept, **given.validated_data}, by=request.user)
        return Response(TopicSerializer(topic).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, topic_id: int) -> Response:
        topics.delete_topic(_find(request, topic_id), by=request.user)
        return Response(status=204)


class TopicCommentsView(CommentListView):
    """GET, POST topics/<id>/comments"""

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        return _find(request, parts["topic_id"]).subject


class RemoveTopicView(APIView):
    """POST topics/<id>/remove: a moderator's act."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=RemovalInput, responses={204: None})
    def post(self, request: Request, topic_id: int) -> Response:
        topic = _find(request, topic_id)
        given = RemovalInput(data=request.data)
        given.is_valid(raise_exception=True)
        topics.remove_topic(topic, given.validated_data["reason"], by=request.user)
        return Response(status=204)


def _find(request: Request, topic_id: int) -> Topic:
    return get_object_or_404(Topic.objects.visible_to(request.user).select_related("subject", "author"), pk=topic_id)
