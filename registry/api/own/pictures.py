"""`/api/safelight/v1/versions/{id}/pictures` and `/pictures/{id}`: preview pictures of a version."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.serializers import StrictInteger, StrictText
from community.ratings import RATING_NAMES
from registry.models import ModelVersion, VersionPreview
from registry.services.pictures import (
    MAX_PREVIEWS,
    add_preview,
    edit_preview,
    order_previews,
    read_rating,
    remove_preview,
)

_RATING = _("How openly it shows what it shows: PG, PG-13, R, X or XXX. Never chosen for you.")
_ALT = _("What the picture shows, for people who do not see it.")


class RatingField(serializers.ChoiceField):
    """A rating by its name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(RATING_NAMES), help_text=_RATING, **kwargs)


class NewPicture(serializers.Serializer):
    upload = serializers.UUIDField(help_text=_("An upload of yours, completed."))
    alt = StrictText(max_length=500, lines=True, allow_blank=True, required=False, default="", help_text=_ALT)
    rating = RatingField()


class ChangedPicture(serializers.Serializer):
    alt = StrictText(max_length=500, lines=True, allow_blank=True, required=False, help_text=_ALT)
    rating = RatingField(required=False)


class PictureOrder(serializers.Serializer):
    pictures = serializers.ListField(
        child=StrictInteger(),
        max_length=4 * MAX_PREVIEWS,
        help_text=_("The ids of all the version's pictures, in order."),
    )


class RenditionSerializer(serializers.Serializer):
    format = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    url = serializers.CharField()


class PictureError(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class PictureSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=VersionPreview.State.choices)
    alt = serializers.CharField()
    rating = RatingField()
    width = serializers.IntegerField(allow_null=True, help_text=_("As shown: orientation applied."))
    height = serializers.IntegerField(allow_null=True)
    animated = serializers.BooleanField()
    color = serializers.CharField(help_text=_("Average color, #rrggbb; empty until it is known."))
    original = serializers.CharField(allow_null=True, help_text=_("Where it is served as it was sent."))
    renditions = RenditionSerializer(many=True)
    error = PictureError(allow_null=True)


class PictureList(serializers.Serializer):
    results = PictureSerializer(many=True)


class VersionPicturesView(APIView):
    """A version's preview pictures: see them, add one."""

    scopes = {"GET": "models:read", "POST": "models:write"}
    rates = {"GET": "poll"}
    public_reads = True

    @extend_schema(responses=PictureList)
    def get(self, request: Request, version_id: int) -> Response:
        version = get_object_or_404(ModelVersion.objects.visible_to(request.user), pk=version_id)
        previews = VersionPreview.objects.listed_to(request.user).filter(version=version).for_display()
        return Response({"results": picture_shapes(previews, request)})

    @extend_schema(request=NewPicture, responses={201: PictureSerializer})
    def post(self, request: Request, version_id: int) -> Response:
        version = _version(request, version_id)
        given = _read(NewPicture, request)
        rating = read_rating(given.pop("rating"))
        preview = add_preview(version, given["upload"], alt=given["alt"], rating=rating, by=request.user)
        return Response(picture_shape(preview, request), status=201)


class VersionPictureOrderView(APIView):
    """Put a version's pictures in order. The first that a viewer may see is its cover."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=PictureOrder, responses=PictureList)
    def post(self, request: Request, version_id: int) -> Response:
        version = _version(request, version_id)
        previews = order_previews(version, _read(PictureOrder, request)["pictures"], by=request.user)
        return Response({"results": picture_shapes(previews, request)})


class PictureView(APIView):
    """One preview picture: where it stands, what is said about it, an end to it."""

    scopes = {"GET": "models:read", "PATCH": "models:write", "DELETE": "models:write"}
    rates = {"GET": "poll"}
    public_reads = True

    @extend_schema(responses=PictureSerializer)
    def get(self, request: Request, picture_id: int) -> Response:
        return Response(picture_shape(_preview(request, picture_id), request))

    @extend_schema(request=ChangedPicture, responses=PictureSerializer)
    def patch(self, request: Request, picture_id: int) -> Response:
        preview = _preview(request, picture_id)
        given = _read(ChangedPicture, request)
        rating = read_rating(given["rating"]) if "rating" in given else None
        preview = edit_preview(preview, by=request.user, alt=given.get("alt"), rating=rating)
        return Response(picture_shape(preview, request))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, picture_id: int) -> Response:
        remove_preview(_preview(request, picture_id), by=request.user)
        return Response(status=204)


def picture_shapes(previews, request: Request) -> list[dict[str, Any]]:
    """Several, from `for_display()`."""
    return [picture_shape(preview, request) for preview in previews]


def picture_shape(preview: VersionPreview, request: Request) -> dict[str, Any]:
    """A preview from `for_display()`, as every answer gives it. Why one was refused is its owner's to read."""
    picture = preview.picture
    is_ready = preview.state == VersionPreview.State.READY
    copies = [*preview.copies("webp"), *preview.copies("avif")] if is_ready else []
    return {
        "id": preview.pk,
        "version": preview.version_id,
        "state": preview.state,
        "alt": preview.alt,
        "rating": preview.rating_name,
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "animated": bool(picture and picture.animated),
        "color": picture.color if picture else "",
        "original": request.build_absolute_uri(preview.original_address) if is_ready else None,
        "renditions": [
            {
                "format": copy.format,
                "width": copy.width,
                "height": copy.height,
                "url": request.build_absolute_uri(preview.address_of(copy)),
            }
            for copy in copies
        ],
        "error": {"code": preview.refusal_code, "detail": preview.refusal} if preview.refusal_code else None,
    }


def _version(request: Request, version_id: int) -> ModelVersion:
    versions = ModelVersion.objects.visible_to(request.user).select_related("model")
    return get_object_or_404(versions, pk=version_id)


def _preview(request: Request, picture_id: int) -> VersionPreview:
    previews = VersionPreview.objects.listed_to(request.user).for_display().select_related("version__model")
    return get_object_or_404(previews, pk=picture_id)


def _read(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data
