"""Posts on their way: begun, filled with pictures, described, put in order, taken apart."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import Appeal, Decision, User
from community.ratings import Rating
from community.services.discussion import create_subject
from community.services.mentions import MAX_MENTIONS, mentioned_people, names_of
from gallery.models import Image, Post
from gallery.services.attaching import attach_images
from gallery.services.generation import GENERATION_COLUMNS, clean_generation, take_generation, with_said
from gallery.services.guards import lock_image, lock_post
from gallery.services.listing import refresh_images, title_of
from gallery.services.stripping import need_stripped
from gallery.services.telling import tell_of_caption
from registry.models import ModelVersion, Tag
from registry.services.pictures import arrived_picture
from registry.services.tagging import clean_tags
from registry.services.wording import clean_line, clean_text

MAX_IMAGES: Final = 500
MAX_TITLE: Final = 200
MAX_CAPTION: Final = 10_000
MAX_IMAGE_CAPTION: Final = 2_000
MAX_ALT: Final = 500
_MAX_POSITION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class NewImage:
    """A picture to be posted: an upload of the poster's own, and what is said of it.

    `position` puts it among the others where they arrive in another order; without one it comes last.
    """

    upload: uuid.UUID
    caption: str = ""
    alt: str = ""
    rating: Rating | None = None
    position: int | None = None


@transaction.atomic
def create_post(
    *,
    by: User,
    title: str = "",
    caption: str = "",
    tags: Sequence[str] = (),
    version: ModelVersion | None = None,
    images: Sequence[NewImage] = (),
) -> Post:
    """Begin a draft, which nobody else sees. `version` is the one that it is posted to.

    Raises InvalidInput (title, caption, tags, version, images), UnknownUpload, Conflict; nothing is kept then.
    """
    post = Post.objects.create(owner=by, **_clean_words(title=title, caption=caption), version=_visible(version, by))
    _set_tags(post, clean_tags(tags))
    if images:
        add_images(post, images, by=by)
    return post


@transaction.atomic
def edit_post(post: Post, *, by: User, **changes: Any) -> Post:
    """Change title, caption, tags, version or hides_generation. What is not given stays.

    Raises InvalidInput that names the field, NotAllowed, Conflict.
    """
    post = lock_post(post, by=by)
    before = post.mentions
    tags = changes.pop("tags", None)
    words = {name: changes.pop(name) for name in ("title", "caption") if name in changes}
    fields = _clean_words(**words)
    if "version" in changes:
        fields["version"] = _visible(changes.pop("version"), by)
    if "hides_generation" in changes:
        fields["hides_generation"] = bool(changes.pop("hides_generation"))
    for name, value in fields.items():
        setattr(post, name, value)
    if tags is not None:
        _set_tags(post, clean_tags(tags))
    post.save(update_fields=[*fields, "updated_at"])
    refresh_images(post.images.all())
    need_stripped(post.images.all())
    tell_of_caption(post, post.mentions, before=before)
    return post


def _clean_words(**words: str) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    if "title" in words:
        cleaned["title"] = clean_line(words["title"], "title", most=MAX_TITLE)
    if "caption" in words:
        cleaned["caption"] = clean_text(words["caption"], "caption", most=MAX_CAPTION).strip()
        cleaned["mentions"] = names_of(mentioned_people(cleaned["caption"]))
    return cleaned


def _visible(version: ModelVersion | None, by: User) -> ModelVersion | None:
    if version is not None and not ModelVersion.objects.visible_to(by).filter(pk=version.pk).exists():
        raise InvalidInput(_("There is no version with this id that you may see."), field="version")
    return version


def _set_tags(thing: Post | Image, names: Sequence[str]) -> None:
    # In one order everywhere, so that two people who write the same new tags never wait for each other.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names, key=str.lower)], ignore_conflicts=True)
    thing.tags.set(Tag.objects.named(names))


@transaction.atomic
def add_images(post: Post, given: Sequence[NewImage], *, by: User) -> list[Image]:
    """Put pictures into a post, in the order given. Each is listed at once and prepared later.

    Raises UnknownUpload for an upload that is not `by`'s own, Conflict for one that is not complete or is here already
    and for too many, InvalidInput for what cannot be a picture. The field says which: `images.3.upload`.
    """
    post = lock_post(post, by=by)
    if post.images.count() + len(given) > MAX_IMAGES:
        raise Conflict(_("A post has at most %(most)d images.") % {"most": MAX_IMAGES}, code="too_many", field="images")
    last = post.images.aggregate(last=Max("position"))["last"]
    start = 0 if last is None else last + 1
    made = [_add(post, new, start + number, number, by) for number, new in enumerate(given)]
    if post.is_public:
        refresh_rating(post)
        names = dict.fromkeys(name for image in made for name in image.mentions)
        tell_of_caption(post, list(names)[:MAX_MENTIONS], before=[])
    return list(Image.objects.for_display().filter(pk__in=[image.pk for image in made]))


def _add(post: Post, new: NewImage, place: int, number: int, by: User) -> Image:
    try:
        sent = arrived_picture(new.upload, by)
        if post.images.filter(upload=sent).exists():
            raise Conflict(_("This picture is there already."), code="already_there", field="upload")
        words = clean_image_words(caption=new.caption, alt=new.alt)
    except (Conflict, InvalidInput) as refusal:
        refusal.field = f"images.{number}.{refusal.field}"
        raise
    position = place if new.position is None else min(max(new.position, 0), _MAX_POSITION)
    image = Image(
        post=post, owner=by, upload=sent, position=position, rating=int(new.rating) if new.rating else None, **words
    )
    image.subject = create_subject(by, "image", title_of(image), "/images", rating=image.rating or 0)
    image.save()
    image.subject.address = image.get_absolute_url()
    image.subject.save(update_fields=["address"])
    if sent.blob_id is not None:
        attach_images(sent)
    return image


def clean_image_words(**words: str) -> dict[str, Any]:
    """Caption, whom it mentions, and alternative text as they are stored. Raises InvalidInput that names the field."""
    cleaned: dict[str, Any] = {}
    if "caption" in words:
        cleaned["caption"] = clean_text(words["caption"], "caption", most=MAX_IMAGE_CAPTION).strip()
        cleaned["mentions"] = names_of(mentioned_people(cleaned["caption"]))
    if "alt" in words:
        alt = words["alt"]
        one_line = alt.replace("\n", " ").replace("\r", " ") if isinstance(alt, str) else alt
        cleaned["alt"] = clean_line(one_line, "alt", most=MAX_ALT)
    return cleaned


@transaction.atomic
def edit_image(image: Image, *, by: User, **changes: Any) -> Image:
    """Change what is said of an image: caption, alt, rating, tags, generation, hides_generation, original.

    `generation` is what its author says of how it was made, which marks it as edited; None goes back to what was read.
    Raises InvalidInput that names the field, NotAllowed, Conflict.
    """
    image = lock_image(image, by=by)
    before = image.mentions
    fields = clean_image_words(**{k: changes[k] for k in ("caption", "alt") if k in changes})
    if "rating" in changes:
        fields["rating"] = _chosen_rating(image, changes["rating"])
    if "hides_generation" in changes:
        fields["hides_generation"] = bool(changes["hides_generation"])
    if "original" in changes:
        fields["original"] = Image.Original(changes["original"])
    for name, value in fields.items():
        setattr(image, name, value)
    names = list(fields)
    if "generation" in changes:
        _say_generation(image, changes["generation"])
        names += GENERATION_COLUMNS
    image.save(update_fields=names)
    if "tags" in changes:
        _set_tags(image, clean_tags(changes["tags"]))
    if "rating" in changes:
        refresh_rating(image.post)
    changed = Image.objects.filter(pk=image.pk)
    refresh_images(changed)
    need_stripped(changed)
    tell_of_caption(image.post, image.mentions, before=before, image=image)
    return Image.objects.for_display().get(pk=image.pk)


def _chosen_rating(image: Image, rating: Rating | None) -> int:
    if rating is None:
        raise InvalidInput(_("Choose a rating."), field="rating")
    least = least_rating(image)
    if int(rating) < least:
        raise Conflict(
            _("A moderator rated this %(rating)s. You can appeal against the decision, but not rate it milder.")
            % {"rating": Rating(least).label},
            code="rated_by_moderator",
            field="rating",
        )
    return int(rating)


def least_rating(image: Image) -> int:
    """The mildest rating that its author may choose: what a moderator's decision that stands gave it, or any."""
    rated = Decision.objects.filter(subject=image.subject_id, act=Decision.Act.RATE).order_by("-pk")
    last = rated.values_list("rating_before", "rating_after", "pk").first()
    if last is None:
        return 0
    # A granted appeal writes a decision of its own that goes back to the rating before.
    undone = rated.filter(pk__lt=last[2], appeal__state=Appeal.State.OVERTURNED, rating_before=last[1]).exists()
    return 0 if undone else last[1]


def _say_generation(image: Image, given: Mapping[str, Any] | None) -> None:
    said = None if given is None else {**image.told, **clean_generation(given)}
    image.edited = None if said is None else with_said(image.generation, said)
    image.is_edited = image.edited is not None
    take_generation(image)


def refresh_rating(post: Post) -> None:
    """A post's rating is the union of its images', without those that are held or removed. Hold the post."""
    shown = post.images.filter(state=Image.State.VISIBLE).exclude(rating=None)
    rating = reduce(or_, shown.values_list("rating", flat=True), 0)
    if rating != post.rating:
        post.rating = rating
        post.save(update_fields=["rating"])


@transaction.atomic
def rate_all(post: Post, rating: Rating, *, by: User) -> Post:
    """Give one rating to every image of a post that has none yet."""
    post = lock_post(post, by=by)
    post.images.filter(rating=None).update(rating=int(rating))
    refresh_rating(post)
    refresh_images(post.images.all())
    return post


@transaction.atomic
def order_images(post: Post, ids: Sequence[int], *, by: User) -> list[Image]:
    """Put a post's images in this order. Raises InvalidInput unless every one of them is named once."""
    post = lock_post(post, by=by)
    images = {image.pk: image for image in post.images.all()}
    if len(ids) != len(images) or set(ids) != set(images):
        raise InvalidInput(
            _("Name each image of the post once; it has %(count)d.") % {"count": len(images)}, field="images"
        )
    for position, pk in enumerate(ids):
        images[pk].position = position
    Image.objects.bulk_update(images.values(), ["position"])
    return list(Image.objects.for_display().filter(post=post))


@transaction.atomic
def remove_image(image: Image, *, by: User) -> None:
    """Take an image out of its post, with what was said under it. Its bytes go by a sweep when nothing shows them.

    Raises Conflict for the last image of a post that is out: the post is deleted instead.
    """
    image = lock_image(image, by=by)
    post = image.post
    if post.state == Post.State.PUBLISHED and post.images.count() == 1:
        raise Conflict(_("This is the post's only image. Delete the post instead."), code="last_image", field="image")
    forget_images(Image.objects.filter(pk=image.pk))
    refresh_rating(post)


def forget_images(images: Iterable[Image]) -> None:
    """Delete images with their subjects, and what hangs on those."""
    for image in images:
        subject = image.subject
        image.delete()
        subject.delete()
