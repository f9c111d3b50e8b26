"""`/api/safelight/v1/reports`: telling the moderators of a thing that breaks a rule."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.serializers import StrictInteger, StrictText
from community.models import Comment, Report, Subject
from community.rules import RULES
from community.services.reporting import MAX_TEXT, find_reported, report


class ReportInput(serializers.Serializer):
    """What is meant: a `comment`, or what `kind` and `id` name as in `follows/{kind}/{id}`, or a subject's number."""

    kind = StrictText(max_length=24, required=False, help_text="images, models, reviews, topics, people or collections")
    id = StrictText(max_length=300, required=False)
    subject = StrictInteger(required=False)
    comment = StrictInteger(required=False)
    reason = serializers.ChoiceField(choices=[(rule.id, rule.label) for rule in RULES.values()])
    # The service says how long it may be: one sentence for the page and for programs.
    text = StrictText(max_length=100 * MAX_TEXT, lines=True, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("kind", "subject", "comment") if name in attrs]
        if len(named) != 1 or ("kind" in attrs) != ("id" in attrs):
            raise serializers.ValidationError({"kind": "Name one thing: kind and id, or subject, or comment."})
        return attrs


class ReportSerializer(serializers.ModelSerializer):
    reason = serializers.CharField(source="rule")
    subject = serializers.IntegerField(source="case.subject_id")
    comment = serializers.IntegerField(source="case.comment_id", allow_null=True)

    class Meta:
        model = Report
        fields = ["id", "subject", "comment", "reason", "text", "created_at"]


class ReportsView(APIView):
    """POST reports: one open report a person and thing; sending another changes it."""

    scopes = {"POST": "social:write"}
    rates = {"POST": ""}  # counted by the service

    @extend_schema(request=ReportInput, responses={201: ReportSerializer})
    def post(self, request: Request) -> Response:
        given = ReportInput(data=request.data)
        given.is_valid(raise_exception=True)
        subject, comment = _find(request, given.validated_data)
        made = report(
            subject,
            given.validated_data["reason"],
            by=request.user,
            comment=comment,
            text=given.validated_data["text"],
        )
        return Response(ReportSerializer(made).data, status=status.HTTP_201_CREATED)


def _find(request: Request, given: dict[str, Any]) -> tuple[Subject, Comment | None]:
    """What is reported, as far as the caller may see it."""
    if "comment" in given:
        comment = Comment.objects.visible_to(request.user).standing().filter(pk=given["comment"]).first()
        if comment is None:
            raise Http404
        return comment.subject, comment
    if "subject" in given:
        subject = Subject.objects.visible_to(request.user).filter(pk=given["subject"]).first()
    else:
        subject = find_reported(given["kind"], given["id"], request.user)
    if subject is None:
        raise Http404
    return subject, None
