"""How images, their posts and collections are held, removed, rated and restored (`settings.MODERATION_HANDLERS`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import BlockedHash, Comment, Decision, Subject
from community.services.blocking import MAX_DISTANCE, block, tells_apart
from community.services.deciding import Act, Handler, Order
from gallery.models import Collection, Image, Post
from gallery.services.blocking import posts_showing
from gallery.services.collecting import refresh_subject
from gallery.services.listing import refresh_images
from gallery.services.posting import refresh_rating

# Near-duplicates are looked for among the newest images, and among all that wait for a decision.
_LOOKED_THROUGH: Final = 50_000
_MOST_ALIKE: Final = 500
_STATES: Final = {Act.HOLD: Image.State.HELD, Act.REMOVE: Image.State.REMOVED, Act.RESTORE: Image.State.VISIBLE}


def decide_image(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> int | None:
    """Change one image, or with `order.whole` its post. Gives back the rating before, for a change of rating."""
    hold_images([subject], order)
    found = Image.objects.filter(subject=subject).first()
    post = found and Post.objects.filter(pk=found.post_id).first()
    image = Image.objects.select_related("picture").filter(subject=subject).first()
    if post is None or image is None:
        raise Conflict(_("This image is gone."), code="gone")
    images = post.images.all() if order.whole else post.images.filter(pk=image.pk)
    before = image.rating
    if order.act == Act.RATE:
        images.update(rating=order.rating)
    elif order.whole and order.act in {Act.REMOVE, Act.RESTORE}:
        _decide_post(post, order)
    else:
        reason = "" if order.act == Act.RESTORE else order.reason
        # What was removed by itself is not held along with the rest.
        kept = images.exclude(state=Image.State.REMOVED) if order.whole else images
        kept.update(state=_STATES[order.act], state_reason=reason)
    refresh_rating(post)
    refresh_images(images)
    _block(images.select_related("picture"), decision, order)
    return before if order.act == Act.RATE else None


def hold_images(subjects: Sequence[Subject], order: Order) -> None:
    """Hold the posts of all that a decision changes, in the order of their numbers.

    A removal that blocks bytes or looks holds back what shows them in other posts, too. Of two moderators at once each
    would hold what the other waits for, were those taken as they come.
    """
    images = Image.objects.filter(subject__in=subjects)
    if order.whole:
        images = Image.objects.filter(post__in=images.values("post"))
    posts = Post.objects.filter(pk__in=images.values("post"))
    ids = set(posts.values_list("pk", flat=True))
    if blocked := _to_block(images, order):
        ids |= set(posts_showing(blocked).values_list("pk", flat=True))
    rows = Post.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    list(rows.values_list("pk", flat=True))


def _to_block(images: QuerySet[Image], order: Order) -> list[BlockedHash]:
    """What an order has blocked, not yet in the list."""
    pictures = [image.picture for image in images.select_related("picture") if image.picture is not None]
    found = [BlockedHash(sha256=picture.blob_id) for picture in pictures] if order.block else []
    looks = {picture.phash for picture in pictures if tells_apart(picture.phash)} if order.block_alike else set()
    return [*found, *(BlockedHash(phash=phash) for phash in looks)]


def _decide_post(post: Post, order: Order) -> None:
    if order.act == Act.REMOVE:
        post.state, post.publish_at, post.removed_reason = Post.State.REMOVED, None, order.reason
    else:
        if post.state == Post.State.REMOVED:
            post.state = Post.State.PUBLISHED if post.published_at else Post.State.DRAFT
        post.removed_reason = ""
        post.images.filter(state=Image.State.HELD).update(state=Image.State.VISIBLE, state_reason="")
    post.save(update_fields=["state", "publish_at", "removed_reason", "updated_at"])


def _block(images, decision: Decision, order: Order) -> None:
    for image in images:
        if order.block and image.picture is not None:
            block(decision, sha256=image.picture.blob_id)
        if order.block_alike and image.picture is not None:
            block(decision, phash=image.picture.phash)


def decide_collection(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """Take a collection from everybody but its owner, or give it back; its things are their own."""
    rows = Collection.objects.select_for_update(no_key=True, of=("self",)).select_related("subject", "owner")
    collection = rows.filter(subject=subject).first()
    if collection is None:
        raise Conflict(_("This collection is gone."), code="gone")
    removes = order.act == Act.REMOVE
    collection.removed_reason = order.reason if removes else ""
    collection.save(update_fields=["removed_reason"])
    refresh_subject(collection)


def images_alike(subjects: Sequence[int]) -> dict[int, list[int]]:
    """For each subject of an image those of images that look like it or have its very bytes (`MODERATION_ALIKE`)."""
    found: dict[int, list[int]] = {}
    if subjects:
        with connection.cursor() as cursor:
            values = {"asked": list(subjects), "newest": _LOOKED_THROUGH, "distance": MAX_DISTANCE, "most": _MOST_ALIKE}
            cursor.execute(_ALIKE, values)
            for asked, other in cursor.fetchall():
                found.setdefault(asked, []).append(other)
    return found


# A hash with few bits, or nearly all, is of a plain area and says nothing: then only the very same bytes count.
_ALIKE: Final = """
WITH shown AS (
    SELECT image.id, image.subject_id, image.picture_id, picture.phash
    FROM gallery_image image JOIN registry_picture picture ON picture.id = image.picture_id
    JOIN gallery_post post ON post.id = image.post_id AND post.published_at IS NOT NULL AND post.deleted_at IS NULL
), pool AS (
    (SELECT * FROM shown ORDER BY id DESC LIMIT %(newest)s)
    UNION
    (SELECT shown.* FROM shown JOIN community_case c ON c.subject_id = shown.subject_id AND c.closed_at IS NULL)
), asked AS (SELECT * FROM shown WHERE subject_id = ANY(%(asked)s))
SELECT asked.subject_id, pool.subject_id FROM asked JOIN pool ON pool.id <> asked.id AND (
    pool.picture_id = asked.picture_id
    OR bit_count((pool.phash # asked.phash)::bit(64)) <= %(distance)s
    AND bit_count(asked.phash::bit(64)) BETWEEN 8 AND 56
)
ORDER BY asked.id, pool.id DESC LIMIT %(most)s
"""

IMAGES: Final = Handler(
    frozenset({Act.HOLD, Act.REMOVE, Act.RATE, Act.RESTORE}),
    decide_image,
    can_block=True,
    can_whole=True,
    hold=hold_images,
)
COLLECTIONS: Final = Handler(frozenset({Act.REMOVE, Act.RESTORE}), decide_collection)
