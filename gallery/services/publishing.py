"""Posts on their way out, and back: publish, schedule, delete, undo, purge."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import User
from gallery.models import Image, PictureReading, Post
from gallery.services.blocking import blocked_pictures
from gallery.services.guards import lock_post
from gallery.services.handover import PUBLISH_DUE
from gallery.services.listing import refresh_images
from gallery.services.posting import forget_images, refresh_rating
from gallery.services.telling import tell_of_post

UNDO_DAYS: Final = 30
_LONGEST_WAIT: Final = timedelta(days=365)
_ROWS: Final = 200
_TOO_MUCH: Final = frozenset({"metadata_too_large", "too_many_blocks", "too_many_parts"})

logger = logging.getLogger(__name__)


class PostNotReady(Conflict):
    """A post does not meet every check. `extra["unmet"]` lists {code, field, detail, image} for each."""

    code = "not_ready_to_publish"


@dataclass(frozen=True, slots=True)
class UnmetCheck:
    """One thing that stands between a post and the public. `passes` says that it ends by itself."""

    code: str
    field: str
    detail: str
    image: int | None = None
    passes: bool = False


def unmet_post_checks(post: Post) -> list[UnmetCheck]:
    """Everything that stands between a post and the public, so that its author sees the whole list at once."""
    loaded = post.images.select_related("picture__reading", "upload").defer("picture__reading__raw")
    images = list(loaded.order_by("position", "pk"))
    for image in images:
        image.post = post
    blocked = blocked_pictures([image.picture for image in images if image.progress == "ready" and image.picture])
    if not images:
        return [UnmetCheck("images_missing", "images", _("Add at least one picture."))]
    found = [unmet for number, image in enumerate(images, 1) for unmet in _unmet_of(image, number)]
    for number, image in enumerate(images, 1):
        if image.picture_id in blocked:
            values = {"number": number, "reason": blocked[image.picture_id].reason}
            sentence = _("Picture %(number)d is on the site's block list: %(reason)s") % values
            found.append(UnmetCheck("blocked_picture", "images", sentence, image.pk))
    return found


def _unmet_of(image: Image, number: int) -> list[UnmetCheck]:
    found = []
    if image.refusal_code:
        sentence = _("Picture %(number)d: %(reason)s") % {"number": number, "reason": image.refusal}
        found.append(UnmetCheck("image_refused", "images", sentence, image.pk))
        return found
    if image.rating is None:
        sentence = _("Picture %(number)d: choose how it is rated.") % {"number": number}
        found.append(UnmetCheck("rating_missing", "rating", sentence, image.pk))
    if not _is_prepared(image):
        sentence = _("Picture %(number)d is still being prepared.") % {"number": number}
        found.append(UnmetCheck("image_waiting", "images", sentence, image.pk, passes=True))
        return found
    if note := _unread(image):
        sentence = _("Picture %(number)d: its file holds more metadata than can be read. Save it anew without.")
        found.append(UnmetCheck(note, "images", sentence % {"number": number}, image.pk))
    elif is_undecided(image):
        sentence = _("Picture %(number)d: decide what happens to the private data in its file.") % {"number": number}
        found.append(UnmetCheck("private_data", "original", sentence, image.pk))
    elif image.stripped_kind == PictureReading.Stripped.CLEAN and stripped_error(image):
        sentence = _("Picture %(number)d: the private data cannot be taken out. Send it as it is, or save it anew.")
        found.append(UnmetCheck("cannot_strip", "original", sentence % {"number": number}, image.pk))
    return found


def _unread(image: Image) -> str:
    """Why nothing is known of a file's metadata, as a code: what was not read may hold anything."""
    reading = reading_of(image)
    return reading.note if reading is not None and reading.note in _TOO_MUCH else ""


def stripped_error(image: Image) -> str:
    """Why there is no stripped original, as a code; empty while one may come."""
    reading = reading_of(image)
    made = reading.stripped.get(image.stripped_kind, {}) if reading is not None else {}
    return str(made.get("error", ""))


def _is_prepared(image: Image) -> bool:
    reading = reading_of(image)
    if image.progress != "ready" or reading is None or not reading.is_over:
        return False
    return not image.stripped_kind or image.stripped_kind in reading.stripped


def reading_of(image: Image) -> PictureReading | None:
    """What was read of an image's file, or None before it is known. Needs picture and reading loaded."""
    return getattr(image.picture, "reading", None) if image.picture is not None else None


def is_undecided(image: Image) -> bool:
    """Whether its file holds private data of which the author has not said what is to become."""
    reading = reading_of(image)
    if reading is None or image.original != Image.Original.UNDECIDED:
        return False
    return bool(reading.private) and not image.keeps_generation_to_itself


@transaction.atomic
def publish_post(post: Post, *, by: User, at: datetime | None = None) -> Post:
    """Make a post public, now or at a later moment. While pictures are still being prepared it waits for them.

    Publishing twice changes nothing, so a retried request is harmless. Raises PostNotReady with everything that does
    not end by itself, InvalidInput (publish_at), NotAllowed, Conflict.
    """
    post = lock_post(post, by=by)
    if post.deleted_at is not None:
        raise Conflict(_("A deleted post cannot be published. Take it back first."), code="deleted", field="post")
    if post.state == Post.State.PUBLISHED:
        return post
    unmet = unmet_post_checks(post)
    lasting = [check for check in unmet if not check.passes]
    if lasting:
        sentences = " ".join(check.detail for check in lasting[:5])
        raise PostNotReady(sentences, field=lasting[0].field, extra={"unmet": [asdict(check) for check in lasting]})
    now = timezone.now()
    if unmet or (at is not None and at > now):
        return _schedule(post, max(at or now, now))
    return _make_public(post, now)


def _schedule(post: Post, at: datetime) -> Post:
    if at > timezone.now() + _LONGEST_WAIT:
        raise InvalidInput(_("Choose a moment within a year."), field="publish_at")
    post.state, post.publish_at = Post.State.SCHEDULED, at
    post.save(update_fields=["state", "publish_at", "updated_at"])
    return post


def _make_public(post: Post, now: datetime) -> Post:
    post.state, post.publish_at = Post.State.PUBLISHED, None
    post.published_at = post.published_at or now
    post.save(update_fields=["state", "publish_at", "published_at", "updated_at"])
    refresh_rating(post)
    refresh_images(post.images.all())
    tell_of_post(post)
    return post


@transaction.atomic
def unschedule_post(post: Post, *, by: User) -> Post:
    """Make a scheduled post a draft again. Twice changes nothing; raises Conflict for one that is out."""
    post = lock_post(post, by=by)
    if post.state == Post.State.PUBLISHED:
        raise Conflict(_("This post is out already."), code="published", field="post")
    post.state, post.publish_at = Post.State.DRAFT, None
    post.save(update_fields=["state", "publish_at", "updated_at"])
    return post


@shared_task(name=PUBLISH_DUE)
def publish_due() -> None:
    """Publish scheduled posts whose moment has come and whose pictures are prepared.

    One that turned out not to be ready (a picture was refused, private data was found) becomes a draft again, which
    says so on its page.
    """
    due = Post.objects.filter(state=Post.State.SCHEDULED, publish_at__lte=timezone.now(), deleted_at__isnull=True)
    for pk in due.order_by("publish_at").values_list("pk", flat=True)[:_ROWS]:
        with transaction.atomic():
            post = Post.objects.select_for_update(no_key=True).filter(pk=pk, state=Post.State.SCHEDULED).first()
            if post is not None:
                _publish_or_wait(post)


def _publish_or_wait(post: Post) -> None:
    unmet = unmet_post_checks(post)
    if any(not check.passes for check in unmet):
        logger.info("post %s is a draft again: %s", post.pk, ", ".join(check.code for check in unmet))
        post.state, post.publish_at = Post.State.DRAFT, None
        post.save(update_fields=["state", "publish_at", "updated_at"])
    elif not unmet:
        _make_public(post, timezone.now())


@transaction.atomic
def delete_post(post: Post, *, by: User) -> Post:
    """Take a post away; for 30 days it can be brought back, then it is purged. A draft without pictures goes at once.

    Deleting twice changes nothing.
    """
    post = lock_post(post, by=by)
    if post.deleted_at is None:
        post.deleted_at = timezone.now()
        post.save(update_fields=["deleted_at", "updated_at"])
        refresh_images(post.images.all())
    return post


@transaction.atomic
def restore_post(post: Post, *, by: User) -> Post:
    """Bring a deleted post back as it was. Twice changes nothing."""
    post = lock_post(post, by=by)
    if post.deleted_at is not None:
        post.deleted_at = None
        post.save(update_fields=["deleted_at", "updated_at"])
        refresh_images(post.images.all())
    return post


@shared_task(name="gallery.purge_posts")
def purge_posts() -> int:
    """Forget posts that were deleted 30 days ago, with comments, reactions and whatever hangs on their subjects."""
    limit = timezone.now() - timedelta(days=UNDO_DAYS)
    purged = 0
    for pk in Post.objects.filter(deleted_at__lt=limit).values_list("pk", flat=True)[:_ROWS]:
        with transaction.atomic():
            post = Post.objects.select_for_update().filter(pk=pk, deleted_at__lt=limit).first()
            if post is not None:
                forget_images(post.images.select_related("subject"))
                post.delete()
                purged += 1
    return purged
