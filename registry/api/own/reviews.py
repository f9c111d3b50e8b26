"""`/api/safelight/v1/versions/{id}/reviews`: what people say of a version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictBoolean, StrictInteger, StrictText
from community.api.reactions import ReactionView
from community.models import Subject
from community.services.following import name_of
from registry.api.own.lookup import find_model, find_version
from registry.api.own.serializers import Reason, read
from registry.models import Review
from registry.services import reviewing


class ReviewPicture(serializers.Serializer):
    id = serializers.IntegerField(help_text="As in `images/{id}`.")
    address = serializers.CharField()


class ReviewSerializer(serializers.ModelSerializer):
    """A review as it was written; rendering Markdown is the reader's. `context["shown"]`: subjects that one may see."""

    author = serializers.CharField(source="author.username")
    pictures = serializers.SerializerMethodField(help_text="The author's pictures, as far as you may see them.")

    class Meta:
        model = Review
        fields = ["id", "author", "recommended", "text", "pictures", "created_at", "edited_at"]

    @extend_schema_field(ReviewPicture(many=True))
    def get_pictures(self, review: Review) -> list[dict[str, Any]]:
        shown = [one for one in review.pictures.all() if one.pk in self.context["shown"]]
        return [{"id": int(name_of(one)[1]), "address": one.address} for one in shown]


class ReviewPage(serializers.Serializer):
    results = ReviewSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    review_count = serializers.IntegerField()
    recommended_count = serializers.IntegerField()


class ReviewInput(serializers.Serializer):
    recommended = StrictBoolean()
    # The service says how long a text may be: one sentence for the page and for programs.
    text = StrictText(max_length=2_000_000, lines=True, trim_whitespace=False, default="", allow_blank=True)
    pictures = serializers.ListField(
        child=StrictInteger(), default=list, max_length=100, help_text="Ids of images that you posted to this version."
    )


class VersionReviewsView(APIView):
    """GET versions/<id>/reviews: newest first."""

    scopes = {"GET": "models:read"}
    public_reads = True

    @extend_schema(
        parameters=[OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("limit", OpenApiTypes.INT)],
        responses=ReviewPage,
    )
    def get(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        size = read_size(request, default=reviewing.PAGE_SIZE, most=100)
        cursor = request.query_params.get("cursor", "")
        page = reviewing.reviews_page(version, viewer=request.user, cursor=cursor, size=size)
        found = _shapes(page.items, request)
        totals = {"review_count": version.review_count, "recommended_count": version.recommended_count}
        return Response({"results": found, "next": next_address(request, page.next), **totals})


class OwnReviewView(APIView):
    """GET, PUT, DELETE versions/<id>/review: what one says oneself; saying it again changes it."""

    scopes = {"GET": "social:read", "PUT": "social:write", "DELETE": "social:write"}

    @extend_schema(responses=ReviewSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        return Response(_shapes([_own(request, version_id)], request)[0])

    @extend_schema(request=ReviewInput, responses=ReviewSerializer)
    def put(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        given = read(ReviewInput, request)
        given["pictures"] = reviewing.pictures_named(version, given["pictures"], request.user)
        review = reviewing.review_version(version, **given, by=request.user)
        return Response(_shapes([review], request)[0])

    @extend_schema(responses={204: None})
    def delete(self, request: Request, version_id: int) -> Response:
        reviewing.delete_review(_own(request, version_id), by=request.user)
        return Response(status=204)


def _shapes(reviews: Sequence[Review], request: Request) -> list[dict[str, Any]]:
    """The answers for these reviews; one query for which of their pictures the asker may see."""
    ids = {subject.pk for review in reviews for subject in review.pictures.all()}
    visible = Subject.objects.visible_to(request.user).filter(pk__in=ids) if ids else Subject.objects.none()
    shown = set(visible.values_list("pk", flat=True))
    return list(ReviewSerializer(reviews, many=True, context={"shown": shown}).data)


def _own(request: Request, version_id: int) -> Review:
    review = reviewing.review_of(find_version(request, version_id), request.user)
    if review is None:
        raise Http404
    return review


class RemoveReviewView(APIView):
    """POST reviews/<id>/remove: a moderator's act."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=Reason, responses={204: None})
    def post(self, request: Request, review_id: int) -> Response:
        review = get_object_or_404(Review.objects.visible_to(request.user), pk=review_id)
        reviewing.remove_review(review, read(Reason, request)["reason"], by=request.user)
        return Response(status=204)


class ModelReactionView(ReactionView):
    """PUT, DELETE models/<owner>/<name>/reactions/<kind>"""

    def get_subject(self, request: Request, **parts: str) -> Subject:
        return find_model(request, parts["owner"], parts["name"]).subject
