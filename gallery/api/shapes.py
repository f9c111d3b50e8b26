"""Posts and images as our own API gives them: the serializers that describe them, and functions that fill them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from community.api.reactions import ReactionCountsSerializer
from community.ratings import RATING_NAMES
from gallery.models import Image, ImageResource, Post
from gallery.policies import can_see_generation
from gallery.services.classifying import proposal_of
from gallery.services.publishing import reading_of, unmet_post_checks
from registry.api.own.pictures import PictureError, RatingField, RenditionSerializer
from registry.models import ModelVersion
from registry.policies import can_be_named


class VersionRef(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    base_model = serializers.CharField()
    model = serializers.CharField(help_text=_("The address of its model: owner/name."))
    title = serializers.CharField()


class ResourceShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    weight = serializers.FloatField(allow_null=True)
    hash = serializers.CharField()
    source = serializers.ChoiceField(choices=ImageResource.Source.choices)
    version = VersionRef(allow_null=True, help_text=_("Null where nothing says which version it is."))
    suggestion = VersionRef(allow_null=True, help_text=_("What the name may mean; told to the image's author alone."))


class ReadResource(serializers.Serializer):
    kind = serializers.CharField()
    name = serializers.CharField()
    weight = serializers.FloatField(allow_null=True)
    hash = serializers.CharField()


class GenerationShape(serializers.Serializer):
    tool = serializers.CharField()
    version = serializers.CharField()
    prompt = serializers.CharField()
    negative = serializers.CharField()
    seed = serializers.CharField(allow_null=True, help_text=_("Digits as text: up to 2⁶⁴ − 1."))
    steps = serializers.IntegerField(allow_null=True)
    sampler = serializers.CharField()
    schedule = serializers.CharField()
    cfg_scale = serializers.FloatField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    clip_skip = serializers.IntegerField(allow_null=True)
    denoise = serializers.FloatField(allow_null=True)
    extra = serializers.DictField(child=serializers.CharField(), required=False)
    from_pixels = serializers.BooleanField(required=False)
    resources = ReadResource(many=True, required=False)


class PrivateFinding(serializers.Serializer):
    kind = serializers.CharField()
    place = serializers.CharField()
    text = serializers.CharField()


_PROPOSED = _("What the site's classifier proposes, told to the author and moderators; a milder rating is reported.")


class OwnSide(serializers.Serializer):
    """What an image's author and moderators are told besides."""

    state = serializers.ChoiceField(choices=Image.State.choices)
    state_reason = serializers.CharField()
    read = GenerationShape(allow_null=True, help_text=_("As read from the file, before any correction."))
    original = serializers.ChoiceField(choices=Image.Original.choices)
    hides_generation = serializers.BooleanField()
    private = PrivateFinding(many=True)
    is_read = serializers.BooleanField(help_text=_("Whether the file's metadata has been read."))
    proposed_rating = serializers.ChoiceField(choices=list(RATING_NAMES), allow_null=True, help_text=_PROPOSED)


class ImageShape(serializers.Serializer):
    id = serializers.IntegerField()
    post = serializers.IntegerField()
    owner = serializers.CharField()
    url = serializers.CharField()
    progress = serializers.ChoiceField(choices=["waiting", "ready", "refused"])
    caption = serializers.CharField()
    alt = serializers.CharField()
    rating = RatingField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    animated = serializers.BooleanField()
    mime = serializers.CharField(help_text=_("Of the original; video/mp4 and video/webm are clips. Empty until known."))
    seconds = serializers.FloatField(allow_null=True, help_text=_("How long a clip is; null of pictures."))
    frame_rate = serializers.FloatField(allow_null=True, help_text=_("Of a clip, pictures a second."))
    color = serializers.CharField()
    original_url = serializers.CharField(allow_null=True, help_text=_("As it was sent, or stripped of its metadata."))
    renditions = RenditionSerializer(many=True)
    published_at = serializers.DateTimeField(allow_null=True)
    reactions = ReactionCountsSerializer()
    comments = serializers.IntegerField()
    is_edited = serializers.BooleanField(help_text=_("Whether its author corrected how it was made."))
    error = PictureError(allow_null=True)


class FullImageShape(ImageShape):
    generation = GenerationShape(allow_null=True, help_text=_("Null where nothing is known, or where it is hidden."))
    resources = ResourceShape(many=True)
    own = OwnSide(allow_null=True)


class PostImageShape(ImageShape):
    proposed_rating = serializers.ChoiceField(choices=list(RATING_NAMES), allow_null=True, help_text=_PROPOSED)


class ImageList(serializers.Serializer):
    results = ImageShape(many=True)
    next = serializers.CharField(allow_null=True)
    hidden = serializers.IntegerField(help_text=_("Images that fit and lie beyond your browsing level."))


class UnmetShape(serializers.Serializer):
    code = serializers.CharField()
    field = serializers.CharField()
    detail = serializers.CharField()
    image = serializers.IntegerField(allow_null=True)


class PostShape(serializers.Serializer):
    id = serializers.IntegerField()
    owner = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    caption = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=Post.State.choices)
    version = VersionRef(allow_null=True)
    hides_generation = serializers.BooleanField()
    publish_at = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    images = PostImageShape(many=True)
    unmet = UnmetShape(many=True, help_text=_("What stands between a draft and the public; told to its author."))


def version_ref(version: ModelVersion | None, request: Request) -> dict[str, Any] | None:
    """A version that this viewer may see, or nothing. Needs its model with its owner and its subject."""
    if version is None or not can_be_named(request.user, version):
        return None
    model = version.model
    return {
        "id": version.pk,
        "name": version.name,
        "base_model": version.base_model,
        "model": f"{model.owner.username}/{model.name}",
        "title": model.title,
    }


def image_shape(image: Image, request: Request) -> dict[str, Any]:
    """An image as lists give it. Needs picture with renditions, post, owner, subject, tags."""
    picture, is_ready = image.picture, image.progress == "ready"
    copies = [*image.copies("webp"), *image.copies("avif")] if is_ready else []
    absolute = request.build_absolute_uri
    return {
        "id": image.pk,
        "post": image.post_id,
        "owner": image.owner.username,
        "url": absolute(image.get_absolute_url()),
        "progress": image.progress,
        "caption": image.caption,
        "alt": image.alt,
        "rating": image.rating_name or None,
        "tags": sorted(tag.name for tag in {*image.tags.all(), *image.post.tags.all()}),
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "animated": bool(picture and picture.animated),
        "mime": picture.mime if picture else "",
        "seconds": picture.seconds if picture else None,
        "frame_rate": picture.frame_rate if picture else None,
        "color": picture.color if picture else "",
        "original_url": absolute(image.original_address) if is_ready else None,
        "renditions": [
            {"format": c.format, "width": c.width, "height": c.height, "url": absolute(image.address_of(c))}
            for c in copies
        ],
        "published_at": image.post.published_at,
        "reactions": ReactionCountsSerializer(image.subject).data,
        "comments": image.subject.comment_count,
        "is_edited": image.is_edited,
        "error": {"code": image.refusal_code, "detail": image.refusal} if image.refusal_code else None,
    }


def full_image_shape(image: Image, request: Request) -> dict[str, Any]:
    """The same with how it was made, from `for_display`."""
    may_see = can_see_generation(request.user, image)
    is_own = is_own_side(image, request)
    resources = image.resources.all() if may_see else []
    return {
        **image_shape(image, request),
        "generation": image.told or None if may_see else None,
        "resources": [resource_shape(row, request, is_own=is_own) for row in resources],
        "own": _own_side(image) if is_own else None,
    }


def is_own_side(image: Image, request: Request) -> bool:
    """Whether the asker is its author or a moderator."""
    user = request.user
    return user.is_authenticated and (image.owner_id == user.pk or user.is_moderator)


def _own_side(image: Image) -> dict[str, Any]:
    reading = reading_of(image)
    return {
        "state": image.state,
        "state_reason": image.state_reason,
        "read": image.generation,
        "original": image.original,
        "hides_generation": image.hides_generation,
        "private": reading.private if reading else [],
        "is_read": reading is not None and reading.state in {"done", "failed"},
        "proposed_rating": _proposed(image),
    }


def _proposed(image: Image) -> str | None:
    proposed = proposal_of(image)
    return str(proposed.label) if proposed is not None else None


def resource_shape(row: ImageResource, request: Request, *, is_own: bool) -> dict[str, Any]:
    """What an image was made with. The version of a draft says nothing to strangers; what the file said, does."""
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.kind,
        "weight": row.weight,
        "hash": row.hash,
        "source": row.source,
        "version": version_ref(row.version, request),
        "suggestion": version_ref(row.suggestion, request) if is_own else None,
    }


def post_shape(post: Post, images: Iterable[Image], request: Request) -> dict[str, Any]:
    """A post with those of its images that the asker may see."""
    is_own = request.user.is_authenticated and post.owner_id == request.user.pk
    unmet = unmet_post_checks(post) if is_own and post.is_draft else []
    return {
        "id": post.pk,
        "owner": post.owner.username,
        "url": request.build_absolute_uri(post.get_absolute_url()),
        "title": post.title,
        "caption": post.caption,
        "tags": sorted(tag.name for tag in post.tags.all()),
        "state": post.state,
        "version": version_ref(post.version, request),
        "hides_generation": post.hides_generation,
        "publish_at": post.publish_at,
        "published_at": post.published_at,
        "deleted_at": post.deleted_at,
        "images": [
            {
                **image_shape(image, request),
                "proposed_rating": _proposed(image) if is_own_side(image, request) else None,
            }
            for image in images
        ],
        "unmet": [{"code": u.code, "field": u.field, "detail": u.detail, "image": u.image} for u in unmet],
    }
