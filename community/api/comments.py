"""Comments in our own API. What has a subject mounts `CommentListView` under its own address."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictInteger, StrictText
from community.errors import InvalidInput
from community.models import Comment, Subject
from community.services.discussion import (
    MAX_REASON,
    MAX_TEXT,
    PAGE_SIZE,
    delete_comment,
    edit_comment,
    post_comment,
    remove_comment,
    thread_page,
)


class ReplySerializer(serializers.ModelSerializer):
    """A comment as it was written; rendering Markdown is the reader's. Gone words are empty and say why."""

    author = serializers.CharField(source="author.username")
    text = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = ["id", "author", "text", "state", "created_at", "edited_at", "removal_reason"]

    def get_text(self, comment: Comment) -> str:
        return comment.text if comment.stands else ""

    def get_state(self, comment: Comment) -> str:
        if comment.removed_at is not None:
            return "removed"
        return "deleted" if comment.deleted_at is not None else "standing"


class CommentSerializer(ReplySerializer):
    replies = ReplySerializer(many=True)

    class Meta(ReplySerializer.Meta):
        fields = [*ReplySerializer.Meta.fields, "replies"]


class CommentPageSerializer(serializers.Serializer):
    results = CommentSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class CommentInput(serializers.Serializer):
    # The service says how long a text may be: one sentence for the page and for programs.
    text = StrictText(max_length=100 * MAX_TEXT, lines=True, trim_whitespace=False)


class NewCommentInput(CommentInput):
    parent = StrictInteger(required=False, allow_null=True)


class RemovalInput(serializers.Serializer):
    reason = StrictText(max_length=MAX_REASON)


class CommentListView(APIView):
    """GET, POST …/comments of whatever `get_subject` finds: that method is all that a subclass writes.

    It takes the request and the address's parts, and returns a subject that the caller may see or raises Http404.
    """

    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        raise NotImplementedError

    @extend_schema(
        parameters=[
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to 100; {PAGE_SIZE} unless given."),
        ],
        responses=CommentPageSerializer,
    )
    def get(self, request: Request, **parts: Any) -> Response:
        size = read_size(request, default=PAGE_SIZE, most=100)
        subject = self.get_subject(request, **parts)
        cursor = request.query_params.get("cursor", "")
        page = thread_page(subject, viewer=request.user, cursor=cursor, size=size)
        found = CommentSerializer(page.items, many=True).data
        return Response({"results": found, "next": next_address(request, page.next)})

    @extend_schema(request=NewCommentInput, responses={201: ReplySerializer})
    def post(self, request: Request, **parts: Any) -> Response:
        subject = self.get_subject(request, **parts)
        given = NewCommentInput(data=request.data)
        given.is_valid(raise_exception=True)
        parent = _find_parent(subject, given.validated_data.get("parent"))
        comment = post_comment(subject, given.validated_data["text"], by=request.user, parent=parent)
        return Response(ReplySerializer(comment).data, status=status.HTTP_201_CREATED)


def _find_parent(subject: Subject, number: int | None) -> Comment | None:
    if number is None:
        return None
    parent = subject.comments.filter(pk=number).first()
    if parent is None:
        raise InvalidInput(_("There is no such comment here."), field="parent")
    return parent


class CommentView(APIView):
    """PATCH, DELETE comments/<id>: one's own words."""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    public_reads = True

    @extend_schema(responses=ReplySerializer)
    def get(self, request: Request, comment_id: int) -> Response:
        return Response(ReplySerializer(_find(request, comment_id)).data)

    @extend_schema(request=CommentInput, responses=ReplySerializer)
    def patch(self, request: Request, comment_id: int) -> Response:
        comment = _find(request, comment_id)
        given = CommentInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(ReplySerializer(edit_comment(comment, given.validated_data["text"], by=request.user)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, comment_id: int) -> Response:
        delete_comment(_find(request, comment_id), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RemoveCommentView(APIView):
    """POST comments/<id>/remove: a moderator's act."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=RemovalInput, responses={204: None})
    def post(self, request: Request, comment_id: int) -> Response:
        comment = _find(request, comment_id)
        given = RemovalInput(data=request.data)
        given.is_valid(raise_exception=True)
        remove_comment(comment, given.validated_data["reason"], by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _find(request: Request, comment_id: int) -> Comment:
    return get_object_or_404(Comment.objects.visible_to(request.user).standing(), pk=comment_id)
