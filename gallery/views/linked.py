"""What the pages of images, posts and collections tell programs: schema.org, and how a link to them looks elsewhere.

Only of what is public, and of how an image was made only what its page tells everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.text import Truncator

from community.feeds import ANYBODY
from community.linked import counter, person_data
from gallery.models import Collection, Image, Post
from gallery.policies import can_see_generation
from gallery.views.shapes import shown_resources
from registry.models import ModelVersion
from registry.views.linked import open_picture

_SUMMARY = 160
State = ModelVersion.State


def image_data(request: HttpRequest, image: Image, title: str) -> dict[str, Any] | None:
    """A public image as an `ImageObject`; needs what its page loads."""
    if not image.subject.is_public or image.progress != "ready":
        return None
    full = request.build_absolute_uri
    picture = image.picture
    data: dict[str, Any] = {
        "@type": "VideoObject" if image.has_original and picture.is_clip else "ImageObject",
        "name": title,
        "url": full(image.get_absolute_url()),
        "contentUrl": full(image.original_address if image.has_original else image.src),
        "thumbnailUrl": full(image.src),
        "encodingFormat": picture.mime if image.has_original else "image/webp",
        "width": picture.width,
        "height": picture.height,
        "caption": image.caption or image.alt or title,
        "creator": person_data(request, image.owner),
        "creditText": str(image.owner),
        "keywords": sorted({tag.name for tag in [*image.tags.all(), *image.post.tags.all()]}),
        "commentCount": image.subject.comment_count,
        "interactionStatistic": counter("LikeAction", image.subject.reaction_count),
    }
    if image.alt:
        data["description"] = image.alt
    if image.post.published_at:
        data["datePublished"] = image.post.published_at.isoformat()
    if used := _used(request, image):
        data["isBasedOn"] = used
    return data


def _used(request: HttpRequest, image: Image) -> list[str]:
    """The pages of the versions that it was made with, as far as everybody may know."""
    if not can_see_generation(ANYBODY, image):
        return []
    return [request.build_absolute_uri(used.href) for used in shown_resources(image, ANYBODY) if used.href]


def image_share(request: HttpRequest, image: Image, title: str) -> dict[str, Any] | None:
    """How a link to a public image looks elsewhere."""
    if not image.subject.is_public:
        return None
    return {
        "title": title,
        "description": image.alt,
        "url": request.build_absolute_uri(image.get_absolute_url()),
        "picture": _picture(request, [image]),
    }


def post_share(request: HttpRequest, post: Post, images: Sequence[Image]) -> dict[str, Any] | None:
    """The same of a published post; `images` are those that the viewer is shown, of which others may see fewer."""
    if not post.is_public:
        return None
    address = request.build_absolute_uri(post.get_absolute_url())
    return {"title": str(post), "url": address, "picture": _picture(request, images)}


def collection_share(request: HttpRequest, collection: Collection, items: Sequence[Any]) -> dict[str, Any] | None:
    """The same of a public collection: whoever was given the address of an unlisted one spreads it no further."""
    if not collection.subject.is_public:
        return None
    shown = [item.image.image if item.image else item.model.cover for item in items if _is_open(item)]
    return {
        "title": collection.title,
        "description": Truncator(" ".join(collection.text.split())).chars(_SUMMARY),
        "url": request.build_absolute_uri(collection.get_absolute_url()),
        "picture": open_picture(request, [one for one in shown if one is not None]),
    }


def _is_open(item: Any) -> bool:
    """Whether everybody may see what stands there, ratings aside; whoever looks may see more."""
    if item.image:
        return item.image.image.subject.is_public and item.image.image.progress == "ready"
    cover = item.model.cover
    return cover is not None and item.model.model.subject.is_public and cover.version.state == State.PUBLISHED


def _picture(request: HttpRequest, images: Sequence[Image]) -> dict[str, str] | None:
    return open_picture(request, [one for one in images if one.subject.is_public and one.progress == "ready"])
