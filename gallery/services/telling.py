"""What others hear of pictures: followers of a new post, whom captions name, reviewers of what they posted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from django.db.models.functions import Lower

from community.models import Notice, Subject, User
from community.services.mentions import mentioned_people, tell_mentioned
from community.services.notifications import announce
from gallery.models import Image, Post
from registry.models import ModelVersion

_MOST_PICTURES: Final = 60


def tell_of_post(post: Post) -> None:
    """Have those told who follow its author, its tags, or a model that it shows, and who is named in its caption.

    Call it in the transaction that publishes a post. The notice stands by its mildest image, so that it reaches whoever
    may see any of them; each post is told once.
    """
    images = post.images.filter(subject__is_public=True).select_related("subject").prefetch_related("tags")
    loaded = sorted(images.order_by("position", "pk"), key=lambda image: image.rating or 0)
    if not loaded:
        return
    address = post.get_absolute_url()
    params = {"address": address, **({"title": post.title} if post.title else {})}
    announce(
        Notice.Kind.POST,
        subject=loaded[0].subject,
        actor=post.owner,
        followed=_followed(post, loaded),
        params=params,
        event=f"post:{post.pk}",
    )
    texts = " \n\n".join([post.caption, *(image.caption for image in loaded)])
    tell_mentioned(
        mentioned_people(texts),
        subject=loaded[0].subject,
        by=post.owner,
        address=address,
        event=_mention_of(post),
    )


def tell_of_caption(post: Post, names: Sequence[str], *, before: Collection[str], image: Image | None = None) -> None:
    """Have those told whom a caption of a published post names since it was changed; `before` are the names before.

    The caption is `image`'s, or without one the post's. Whoever was told of the post already is not told again.
    """
    new = [name for name in names if name not in before]
    if not new or not post.is_public:
        return
    public = post.images.filter(subject__is_public=True).select_related("subject").order_by("rating", "position", "pk")
    own = public.filter(pk=image.pk).first() if image is not None else None
    shown = own or public.first()
    if shown is None:
        return
    tell_mentioned(
        list(User.objects.filter(username__in=new, is_active=True)),
        subject=shown.subject,
        by=post.owner,
        address=own.get_absolute_url() if own else post.get_absolute_url(),
        event=_mention_of(post),
    )


def _mention_of(post: Post) -> str:
    return f"post:{post.pk}:mention"


def _followed(post: Post, images: list[Image]) -> list[Subject]:
    names = {tag.name.lower() for tag in post.tags.all()} | {
        tag.name.lower() for image in images for tag in image.tags.all()
    }
    tags = Subject.objects.filter(kind="tag").alias(low=Lower("title")).filter(low__in=names)
    shown = [image.pk for image in images if not (image.hides_generation or post.hides_generation)]
    public = ModelVersion.objects.published()
    made_with = Subject.objects.filter(
        pk__in=public.filter(image_resources__image__in=shown).values("model__subject")
    ) | Subject.objects.filter(pk__in=public.filter(pk=post.version_id).values("model__subject"))
    return [*tags, *made_with]


def pictures_for_review(version: ModelVersion, person: User) -> list[Subject]:
    """What somebody has posted to a version, newest first (`settings.REVIEW_PICTURES`)."""
    images = Image.objects.public().ready().filter(owner=person, post__version=version).select_related("subject")
    return [image.subject for image in images.order_by("-pk")[:_MOST_PICTURES]]
