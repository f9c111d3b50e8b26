"""What the block list means for images."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from community.models import BlockedHash, Report
from community.services.blocking import blocked_bytes, blocked_looks
from community.services.reporting import report_by_site
from gallery.models import Image, Post
from gallery.services.listing import refresh_images
from gallery.services.posting import refresh_rating
from registry.models import Picture
from registry.services.blocking import pictures_of


def hold_blocked(blocked: BlockedHash) -> None:
    """A hash was blocked (`settings.BLOCK_LISTENERS`): images that are out and show it are held back."""
    _hold(Image.objects.public().filter(picture__in=pictures_of(blocked)), blocked)


@transaction.atomic
def hold_blocked_look(picture_id: int) -> None:
    """A picture was decoded (`settings.PICTURE_LISTENERS`): images of a blocked one that are out are held back.

    A draft is told when it is to be published.
    """
    shown = Image.objects.public().filter(picture=picture_id)
    if not shown.exists():
        return
    picture = Picture.objects.get(pk=picture_id)
    if found := blocked_pictures([picture]):
        _hold(shown, *found.values())


def blocked_pictures(pictures: list[Picture]) -> dict[int, BlockedHash]:
    """Which of these pictures are on the block list, by their bytes or their looks, by the picture's id."""
    by_bytes = blocked_bytes(picture.blob_id for picture in pictures)
    by_looks = blocked_looks(picture.phash for picture in pictures)
    found = {}
    for picture in pictures:
        if blocked := by_bytes.get(picture.blob_id) or by_looks.get(picture.phash or 0):
            found[picture.pk] = blocked
    return found


def posts_showing(blocked: Iterable[BlockedHash]) -> QuerySet[Post]:
    """The posts that would be held back, in part, if these hashes were blocked; they need not be in the list yet."""
    pictures = {pk for one in blocked for pk in pictures_of(one).values_list("pk", flat=True)}
    shown = Image.objects.public().filter(picture__in=pictures)
    return Post.objects.filter(pk__in=shown.values("post"))


def _hold(images: QuerySet[Image], blocked: BlockedHash) -> None:
    ids = sorted(images.values_list("pk", flat=True))
    held = Image.objects.filter(pk__in=ids)
    rows = Post.objects.select_for_update(no_key=True).filter(pk__in=held.values("post")).order_by("pk")
    posts = list(rows)  # held before their images, as everywhere
    held.update(state=Image.State.HELD, state_reason=blocked.reason)
    refresh_images(held)
    for post in posts:
        refresh_rating(post)
    text = _("It is on the block list: %(reason)s") % {"reason": blocked.reason}
    for image in held.select_related("subject"):
        report_by_site(
            image.subject, blocked.rule, source=Report.Source.BLOCK_LIST, text=text, details={"block": blocked.pk}
        )
