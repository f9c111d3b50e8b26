"""Images for readers of feeds, and what is of several kinds: a person's work, a tag's things, a model's life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from community.feeds import (
    ANYBODY,
    PAGE_SIZE,
    Entry,
    Feed,
    Source,
    address_with,
    asked_tag,
    newest_entries,
    open_feed,
)
from community.models import Topic, User
from community.views.feeds import topic_entries
from gallery.models import CollectionItem, Image, ImageSearch, Post
from gallery.models.posts import PostQuerySet, bits_of, browsing_level_of
from gallery.search import ImageQuery, search_images
from gallery.search_query import DEFAULT_SORT
from gallery.services.collecting import find_collection
from gallery.services.listing import title_of
from registry.models import ModelSearch, ModelVersion, RegisteredModel, Tag
from registry.search import unseen_rows
from registry.views.feeds import model_entries, thumbnail_of, version_entries

# Pictures of a post that its entry shows; the rest is behind its link.
_IN_POST: Final = 12


@open_feed
def images_feed(request: HttpRequest) -> Feed:
    """`/images.atom` with the words, filters and order of `/images`."""
    query = ImageQuery.from_params(request.GET)
    page = search_images(query, ANYBODY, size=PAGE_SIZE, counted=False)
    path = reverse("gallery:images-feed")
    following = query.changed(cursor=page.next_cursor).to_params() if page.next_cursor else None
    return Feed(
        key=address_with("images", query.changed().to_params()),
        title=_title(query),
        page=address_with(reverse("gallery:images"), query.changed().to_params()),
        address=address_with(path, query.to_params()),
        following=address_with(path, following) if following else "",
        entries=[_image_entry(image) for image in page.results],
    )


def images_feed_address(query: ImageQuery) -> str:
    """The feed of the list that a page shows, newest first whatever its order."""
    return address_with(reverse("gallery:images-feed"), query.changed(sort=DEFAULT_SORT).to_params())


def _title(query: ImageQuery) -> str:
    words = [query.q, query.owner, *(f"#{tag}" for tag in query.tags), *query.base_models]
    chosen = ", ".join(word for word in words if word)
    return _("Images: %(chosen)s") % {"chosen": chosen} if chosen else _("Images")


@open_feed
def posts_feed(request: HttpRequest) -> Feed:
    """`/posts.atom`: what was posted on the site, the newest first."""
    path = reverse("gallery:posts-feed")
    return _posts(request, Post.objects.all(), key="posts", title=_("Posts"), page=reverse("gallery:images"), path=path)


@open_feed
def person_posts_feed(request: HttpRequest, name: str) -> Feed:
    """`/people/{name}/posts.atom`: what somebody has posted."""
    person = get_object_or_404(User, username__iexact=name, is_active=True)
    return _posts(
        request,
        Post.objects.filter(owner=person),
        key=f"posts/{person.pk}",
        title=_("Posts by %(name)s") % {"name": person},
        page=person.get_absolute_url(),
        path=reverse("gallery:person-posts-feed", args=[person.username]),
        author=person,
    )


def _posts(request: HttpRequest, posts: PostQuerySet, **feed: Any) -> Feed:
    return _mixed(request, [Source(posts.visible_to(ANYBODY), "published_at", post_entries)], **feed)


def post_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of posts with the pictures that everybody may see, in the order of `ids`. A fixed number of queries."""
    found = Post.objects.visible_to(ANYBODY).select_related("owner").prefetch_related("tags").in_bulk(ids)
    shown = Image.objects.visible_to(ANYBODY).ready().for_cards().filter(post__in=found).order_by("position", "pk")
    by_post: dict[int, list[Image]] = {}
    for image in shown:
        by_post.setdefault(image.post_id, []).append(image)
    return [_post_entry(found[pk], by_post[pk]) for pk in ids if pk in found and pk in by_post]


def _post_entry(post: Post, images: Sequence[Image]) -> Entry:
    pictures = [thumbnail_of(image, image.alt or title_of(image)) for image in images[:_IN_POST]]
    first, *more = [picture for picture in pictures if picture] or [None]
    return Entry(
        key=f"post/{post.pk}",
        title=post.title or title_of(images[0]),
        address=post.get_absolute_url(),
        author=post.owner,
        updated=post.published_at,
        published=post.published_at,
        text=post.caption,
        people=tuple(post.mentions),
        thumbnail=first,
        more=tuple(more),
        tags=tuple(sorted(tag.name for tag in post.tags.all())),
    )


def image_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of the images that everybody may see, in the order of `ids`. A fixed number of queries."""
    found = Image.objects.visible_to(ANYBODY).ready().for_cards().in_bulk(ids)
    return [_image_entry(found[pk]) for pk in ids if pk in found]


def _image_entry(image: Image) -> Entry:
    title = title_of(image)
    tags = {tag.name for tag in [*image.tags.all(), *image.post.tags.all()]}
    return Entry(
        key=f"image/{image.pk}",
        title=title,
        address=image.get_absolute_url(),
        author=image.owner,
        updated=image.post.published_at,
        published=image.post.published_at,
        text=image.caption,
        people=tuple(image.mentions),
        thumbnail=thumbnail_of(image, image.alt or title),
        tags=tuple(sorted(tags)),
    )


@open_feed
def person_feed(request: HttpRequest, name: str) -> Feed:
    """`/people/{name}.atom`: somebody's models, as new versions of them come out, and images."""
    person = get_object_or_404(User, username__iexact=name, is_active=True)
    models = _models().filter(owner=person)
    images = _images().filter(owner=person)
    return _mixed(
        request,
        [_models_source(models), _images_source(images)],
        key=f"person/{person.pk}",
        title=str(person),
        page=person.get_absolute_url(),
        path=reverse("gallery:person-feed", args=[person.username]),
        author=person,
    )


@open_feed
def tag_feed(request: HttpRequest) -> Feed:
    """`/tags.atom?tag={name}`: models, images and topics of a tag. One that nobody has used is an empty feed."""
    name = asked_tag(request)
    if not name:
        raise Http404
    tags = list(Tag.objects.named([name]).values_list("pk", flat=True))
    topics = Topic.objects.visible_to(ANYBODY).filter(tags__contains=[name.lower()])
    models = _models().filter(tag_ids__overlap=tags)
    images = _images().filter(tag_ids__overlap=tags)
    return _mixed(
        request,
        [_models_source(models), _images_source(images), Source(topics, "created_at", topic_entries)],
        key=address_with("tag", [("tag", name.lower())]),
        title=f"#{name}",
        page=address_with(reverse("registry:models"), [("tag", name)]),
        path=reverse("gallery:tag-feed"),
        kept=[("tag", name)],
    )


@open_feed
def model_feed(request: HttpRequest, owner: str, name: str) -> Feed:
    """`/{owner}/{name}/feed.atom`: a model's versions, and what people made with them."""
    shown = RegisteredModel.objects.visible_to(ANYBODY).named(owner, name)
    model = get_object_or_404(shown.select_related("owner"))
    versions = ModelVersion.objects.visible_to(ANYBODY).filter(model=model)
    images = _images().filter(model_ids__contains=[model.pk])
    return _mixed(
        request,
        [Source(versions, "published_at", version_entries), _images_source(images)],
        key=f"model/{model.pk}",
        title=model.title,
        page=model.get_absolute_url(),
        path=reverse("gallery:model-feed", args=[model.owner.username, model.name]),
        author=model.owner,
    )


@open_feed
def collection_feed(request: HttpRequest, address: str) -> Feed:
    """`/collections/{code}.atom`: what everybody may see of a public or unlisted collection, what came last first."""
    collection = find_collection(address, ANYBODY)
    if collection is None:
        raise Http404
    models = RegisteredModel.objects.visible_to(ANYBODY).values("subject")
    images = Image.objects.visible_to(ANYBODY).ready().values("subject")
    items = collection.items.filter(Q(subject__in=models) | Q(subject__in=images))
    return _mixed(
        request,
        [Source(items, "added_at", _item_entries)],
        key=f"collection/{collection.pk}",
        title=collection.title,
        page=collection.get_absolute_url(),
        path=reverse("gallery:collection-feed", args=[collection.code]),
        author=collection.owner,
    )


def _item_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of what stands in a collection, each known by the item's number; updated when it was put there."""
    items = {item.pk: item for item in CollectionItem.objects.filter(pk__in=ids)}
    subjects = [item.subject_id for item in items.values()]
    models = dict(RegisteredModel.objects.filter(subject__in=subjects).values_list("subject", "pk"))
    images = dict(Image.objects.filter(subject__in=subjects).values_list("subject", "pk"))
    made = {entry.key: entry for entry in [*model_entries([*models.values()]), *image_entries([*images.values()])]}
    found = []
    for pk in ids:
        item = items.get(pk)
        subject = item.subject_id if item else None
        thing = f"model/{models[subject]}" if subject in models else f"image/{images.get(subject)}"
        if item is not None and thing in made:
            entry = made[thing]
            found.append(replace(entry, key=f"item/{pk}", updated=max(item.added_at, entry.updated)))
    return found


def _models():
    """Search rows of the models that an anonymous visitor is shown."""
    return ModelSearch.objects.exclude(unseen_rows(ANYBODY))


def _images():
    """Search rows of the images that an anonymous visitor is shown."""
    return ImageSearch.objects.filter(rating__in=bits_of(browsing_level_of(ANYBODY)))


def _models_source(rows) -> Source:
    return Source(rows, "published_at", model_entries)


def _images_source(rows) -> Source:
    return Source(rows, "published_at", image_entries)


def _mixed(
    request: HttpRequest,
    sources: Sequence[Source],
    *,
    key: str,
    title: str,
    page: str,
    path: str,
    author: User | None = None,
    kept: Sequence[tuple[str, str]] = (),
) -> Feed:
    cursor = request.GET.get("cursor", "")
    entries, following = newest_entries(sources, salt=f"feed:{key}", cursor=cursor)
    return Feed(
        key=key,
        title=title,
        page=page,
        address=address_with(path, [*kept, ("cursor", cursor)]),
        following=address_with(path, [*kept, ("cursor", following)]) if following else "",
        entries=entries,
        author=author,
    )
