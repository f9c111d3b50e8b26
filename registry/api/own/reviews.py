"""`/api/safelight/v1/versions/{id}/reviews`: what people say of a version."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictBoolean, StrictInteger, StrictText
from community.api.reactions import ReactionView
from community.models import Subject
from registry.api.own.lookup import find_model, find_version
from registry.api.own.serializers import Reason, read
from registry.models import Review
from registry.services import reviewing


class ReviewSerializer(serializers.ModelSerializer):
    """A review as it was written; rendering Markdown is the reader's."""

    author = serializers.CharField(source="author.username")
    pictures = serializers.SerializerMethodField(help_text="Addresses of the author's pictures.")

    class Meta:
        model = Review
        fields = ["id", "author", "recommended", "text", "pictures", "created_at", "edited_at"]

    def get_pictures(self, review: Review) -> list[str]:
        user = self.context["request"].user
        visible = Subject.objects.visible_to(user).filter(pk__in=[one.pk for one in review.pictures.all()])
        return list(visible.values_list("address", flat=True))


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
        child=StrictInteger(), default=list, max_length=100, help_text="Subjects of images posted to this version."
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
        found = ReviewSerializer(page.items, many=True, context={"request": request}).data
        totals = {"review_count": version.review_count, "recommended_count": version.recommended_count}
        return Response({"results": found, "next": next_address(request, page.next), **totals})


class OwnReviewView(APIView):
    """GET, PUT, DELETE versions/<id>/review: what one says oneself; saying it again changes it."""

    scopes = {"GET": "social:read", "PUT": "social:write", "DELETE": "social:write"}

    @extend_schema(responses=ReviewSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        return Response(ReviewSerializer(_own(request, version_id), context={"request": request}).data)

    @extend_schema(request=ReviewInput, responses=ReviewSerializer)
    def put(self, request: Request, version_id: int) -> Response:
        version = find_version(request, version_id)
        review = reviewing.review_version(version, **read(ReviewInput, request), by=request.user)
        return Response(ReviewSerializer(review, context={"request": request}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, version_id: int) -> Response:
        reviewing.delete_review(_own(request, version_id), by=request.user)
        return Response(status=204)


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
