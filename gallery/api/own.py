"""`/api/safelight/v1/posts` and `/images`: post pictures, say how they were made, find them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictBoolean, StrictInteger, StrictText
from community.errors import InvalidInput
from community.ratings import RATING_NAMES, Rating
from gallery.api import shapes
from gallery.models import Image, ImageResource, Post
from gallery.search import read_image_query, search_images
from gallery.search_query import PERIODS, SORTS
from gallery.services import resources as resource_services
from gallery.services.posting import (
    MAX_ALT,
    MAX_CAPTION,
    MAX_IMAGE_CAPTION,
    MAX_IMAGES,
    MAX_TITLE,
    NewImage,
    add_images,
    create_post,
    edit_image,
    edit_post,
    order_images,
    rate_all,
    remove_image,
)
from gallery.services.publishing import delete_post, publish_post, restore_post, unschedule_post
from registry.api.own.pictures import RatingField
from registry.models import ModelVersion
from registry.services.tagging import MAX_TAGS

_PAGE = 36
_MOST = 100
WRITE = "images:write"


class TagsField(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=StrictText(max_length=200, allow_blank=True), max_length=MAX_TAGS * 2, **kwargs)


class NewPostImage(serializers.Serializer):
    upload = serializers.UUIDField(help_text=gettext_lazy("An upload of yours, completed."))
    caption = StrictText(max_length=MAX_IMAGE_CAPTION, lines=True, allow_blank=True, required=False, default="")
    alt = StrictText(max_length=MAX_ALT, lines=True, allow_blank=True, required=False, default="")
    rating = RatingField(required=False)
    position = StrictInteger(required=False, max_value=1_000_000)


class NewPost(serializers.Serializer):
    title = StrictText(max_length=MAX_TITLE, allow_blank=True, required=False, default="")
    caption = StrictText(max_length=MAX_CAPTION, lines=True, allow_blank=True, required=False, default="")
    tags = TagsField(required=False, default=list)
    rating = RatingField(required=False)
    version = StrictInteger(required=False, allow_null=True)
    images = NewPostImage(many=True, required=False, default=list)
    publish = StrictBoolean(required=False, default=False)


class ChangedPost(serializers.Serializer):
    title = StrictText(max_length=MAX_TITLE, allow_blank=True, required=False)
    caption = StrictText(max_length=MAX_CAPTION, lines=True, allow_blank=True, required=False)
    tags = TagsField(required=False)
    rating = RatingField(required=False)
    version = StrictInteger(required=False, allow_null=True)
    hides_generation = StrictBoolean(required=False)


class NewImages(serializers.Serializer):
    images = NewPostImage(many=True)


class ImageOrder(serializers.Serializer):
    images = serializers.ListField(child=StrictInteger(), max_length=MAX_IMAGES)


class Publishing(serializers.Serializer):
    publish_at = serializers.DateTimeField(required=False, allow_null=True)


class SaidGeneration(serializers.Serializer):
    prompt = StrictText(max_length=40_000, lines=True, allow_blank=True, required=False)
    negative = StrictText(max_length=40_000, lines=True, allow_blank=True, required=False)
    seed = StrictText(max_length=20, allow_blank=True, allow_null=True, required=False)
    sampler = StrictText(max_length=100, allow_blank=True, required=False)
    schedule = StrictText(max_length=100, allow_blank=True, required=False)
    tool = StrictText(max_length=100, allow_blank=True, required=False)
    version = StrictText(max_length=100, allow_blank=True, required=False)
    steps = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)
    width = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)
    height = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)
    clip_skip = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)
    cfg_scale = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)
    denoise = serializers.CharField(allow_blank=True, allow_null=True, required=False, max_length=20)


class ChangedImage(serializers.Serializer):
    caption = StrictText(max_length=MAX_IMAGE_CAPTION, lines=True, allow_blank=True, required=False)
    alt = StrictText(max_length=MAX_ALT, lines=True, allow_blank=True, required=False)
    rating = RatingField(required=False)
    tags = TagsField(required=False)
    hides_generation = StrictBoolean(required=False)
    original = serializers.ChoiceField(choices=["whole", "stripped"], required=False)
    generation = SaidGeneration(
        required=False, allow_null=True, help_text=gettext_lazy("What you say of it; null: as it was read.")
    )


class NewResource(serializers.Serializer):
    version = StrictInteger()
    weight = serializers.FloatField(required=False, allow_null=True, min_value=-100, max_value=100)


class ChangedResource(serializers.Serializer):
    version = StrictInteger(required=False)
    confirm = StrictBoolean(required=False)
    weight = serializers.FloatField(required=False, allow_null=True, min_value=-100, max_value=100)


class PostsView(APIView):
    """Begin a post with pictures that were uploaded; with `publish` it goes out as soon as they are prepared."""

    scopes = {"POST": WRITE}

    @extend_schema(request=NewPost, responses={201: shapes.PostShape})
    def post(self, request: Request) -> Response:
        given = _read(NewPost, request)
        rating = _rating(given.get("rating"))
        images = [_new_image(each, rating) for each in given["images"]]
        words = {name: given[name] for name in ("title", "caption", "tags")}
        post = create_post(by=request.user, version=_version(given.get("version"), request), images=images, **words)
        if given["publish"]:
            post = publish_post(post, by=request.user)
        return Response(_post_answer(post, request), status=201)


class PostView(APIView):
    """One post: its words and images, a change, an end to it that can be undone for 30 days."""

    scopes = {"PATCH": WRITE, "DELETE": WRITE}
    rates = {"GET": "poll"}
    public_reads = True

    @extend_schema(responses=shapes.PostShape)
    def get(self, request: Request, post_id: int) -> Response:
        return Response(_post_answer(_post(request, post_id), request))

    @extend_schema(request=ChangedPost, responses=shapes.PostShape)
    def patch(self, request: Request, post_id: int) -> Response:
        post, given = _post(request, post_id), _read(ChangedPost, request)
        rating = _rating(given.pop("rating", None))
        if "version" in given:
            given["version"] = _version(given["version"], request)
        post = edit_post(post, by=request.user, **given)
        if rating is not None:
            post = rate_all(post, rating, by=request.user)
        return Response(_post_answer(post, request))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, post_id: int) -> Response:
        delete_post(_post(request, post_id), by=request.user)
        return Response(status=204)


class PostPublishView(APIView):
    """Publish now or at a moment. While pictures are being prepared the post is scheduled, and goes out by itself."""

    scopes = {"POST": WRITE, "DELETE": WRITE}

    @extend_schema(request=Publishing, responses=shapes.PostShape)
    def post(self, request: Request, post_id: int) -> Response:
        moment = _read(Publishing, request).get("publish_at")
        return Response(_post_answer(publish_post(_post(request, post_id), by=request.user, at=moment), request))

    @extend_schema(responses=shapes.PostShape)
    def delete(self, request: Request, post_id: int) -> Response:
        return Response(_post_answer(unschedule_post(_post(request, post_id), by=request.user), request))


class PostRestoreView(APIView):
    """Bring a deleted post back."""

    scopes = {"POST": WRITE}

    @extend_schema(request=None, responses=shapes.PostShape)
    def post(self, request: Request, post_id: int) -> Response:
        return Response(_post_answer(restore_post(_post(request, post_id), by=request.user), request))


class PostImagesView(APIView):
    """Put more pictures into a post."""

    scopes = {"POST": WRITE}

    @extend_schema(request=NewImages, responses={201: shapes.ImageShape(many=True)})
    def post(self, request: Request, post_id: int) -> Response:
        given = [_new_image(each, None) for each in _read(NewImages, request)["images"]]
        made = add_images(_post(request, post_id), given, by=request.user)
        return Response([shapes.image_shape(image, request) for image in made], status=201)


class PostImageOrderView(APIView):
    """Put a post's images in order."""

    scopes = {"POST": WRITE}

    @extend_schema(request=ImageOrder, responses=shapes.ImageShape(many=True))
    def post(self, request: Request, post_id: int) -> Response:
        ordered = order_images(_post(request, post_id), _read(ImageOrder, request)["images"], by=request.user)
        return Response([shapes.image_shape(image, request) for image in ordered])


_LIST = [
    OpenApiParameter("q", str, description="Words in prompts, captions, names and artists; #tag and @artist, too."),
    OpenApiParameter("tag", str, many=True),
    OpenApiParameter("base_model", str, many=True),
    OpenApiParameter("version", int, description="Made with or posted to this version."),
    OpenApiParameter("model", int),
    OpenApiParameter("owner", str),
    OpenApiParameter("period", str, enum=list(PERIODS)),
    OpenApiParameter("sort", str, enum=list(SORTS)),
    OpenApiParameter("cursor", str),
    OpenApiParameter("limit", int),
]


class ImagesView(APIView):
    """Public images within the asker's browsing level, page by page."""

    rates = {"GET": "poll"}
    public_reads = True

    @extend_schema(operation_id="images_list", parameters=_LIST, responses=shapes.ImageList)
    def get(self, request: Request) -> Response:
        query, bad = read_image_query(request.query_params)
        if bad:
            raise InvalidInput(_("This value makes no sense here."), field=bad[0])
        page = search_images(query, request.user, size=read_size(request, default=_PAGE, most=_MOST))
        results = [shapes.image_shape(image, request) for image in page.results]
        return Response({"results": results, "next": next_address(request, page.next_cursor), "hidden": page.hidden})


class ImageView(APIView):
    """One image with how it was made."""

    scopes = {"PATCH": WRITE, "DELETE": WRITE}
    rates = {"GET": "poll"}
    public_reads = True

    @extend_schema(responses=shapes.FullImageShape)
    def get(self, request: Request, image_id: int) -> Response:
        return Response(shapes.full_image_shape(_image(request, image_id), request))

    @extend_schema(request=ChangedImage, responses=shapes.FullImageShape)
    def patch(self, request: Request, image_id: int) -> Response:
        image, given = _image(request, image_id), _read(ChangedImage, request)
        if "rating" in given:
            given["rating"] = _rating(given["rating"])
        image = edit_image(image, by=request.user, **given)
        return Response(shapes.full_image_shape(image, request))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, image_id: int) -> Response:
        remove_image(_image(request, image_id), by=request.user)
        return Response(status=204)


class ImageResourcesView(APIView):
    """Name a version that an image was made with."""

    scopes = {"POST": WRITE}

    @extend_schema(request=NewResource, responses={201: shapes.ResourceShape})
    def post(self, request: Request, image_id: int) -> Response:
        image, given = _image(request, image_id), _read(NewResource, request)
        version = _version(given["version"], request)
        row = resource_services.add_resource(image, version, by=request.user, weight=given.get("weight"))
        return Response(shapes.resource_shape(row, request, is_own=True), status=201)


class ImageResourceView(APIView):
    """One resource of an image: say which version it is, how strongly it was used, or that it was not."""

    scopes = {"PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(request=ChangedResource, responses=shapes.ResourceShape)
    def patch(self, request: Request, resource_id: int) -> Response:
        row, given = _resource(request, resource_id), _read(ChangedResource, request)
        if "version" in given:
            row = resource_services.link_resource(row, _version(given["version"], request), by=request.user)
        elif given.get("confirm"):
            row = resource_services.confirm_resource(row, by=request.user)
        if "weight" in given:
            row = resource_services.weigh_resource(row, given["weight"], by=request.user)
        return Response(shapes.resource_shape(row, request, is_own=True))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, resource_id: int) -> Response:
        resource_services.remove_resource(_resource(request, resource_id), by=request.user)
        return Response(status=204)


def _new_image(given: dict[str, Any], rating: Rating | None) -> NewImage:
    own = _rating(given.get("rating")) or rating
    return NewImage(given["upload"], given["caption"], given["alt"], own, given.get("position"))


def _rating(name: str | None) -> Rating | None:
    return RATING_NAMES[name] if name else None


def _version(pk: int | None, request: Request) -> ModelVersion | None:
    if pk is None:
        return None
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__owner")
    version = visible.filter(pk=pk).first()
    if version is None:
        raise InvalidInput(_("There is no version with this id that you may see."), field="version")
    return version


def _post(request: Request, post_id: int) -> Post:
    return get_object_or_404(Post.objects.visible_to(request.user), pk=post_id)


def _post_answer(post: Post, request: Request) -> dict[str, Any]:
    loaded = Post.objects.select_related("owner", "version__model__owner", "version__model__subject")
    loaded = loaded.prefetch_related("tags").get(pk=post.pk)
    images: QuerySet[Image] = Image.objects.visible_to(request.user).for_display().filter(post=loaded)
    if not (request.user.is_authenticated and loaded.owner_id == request.user.pk):
        images = images.ready()
    return shapes.post_shape(loaded, images.prefetch_related("post__tags"), request)


def _image(request: Request, image_id: int) -> Image:
    images = Image.objects.visible_to(request.user).for_display().prefetch_related("post__tags")
    return get_object_or_404(images, pk=image_id)


def _resource(request: Request, resource_id: int) -> ImageResource:
    rows = ImageResource.objects.filter(image__in=Image.objects.visible_to(request.user))
    return get_object_or_404(rows.select_related("image__post", "version__model__owner"), pk=resource_id)


def _read(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data
