"""Collections: made, filled from any card, put in order; each viewer is shown what they may see of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Notice, Subject, User, Viewer
from community.services.discussion import create_subject, update_subject
from community.services.following import hidden_by
from community.services.limits import check_rate
from community.services.notifications import announce
from community.services.paging import Page, keyset_page
from community.services.texts import clean_line, clean_text
from gallery.models import Collection, CollectionItem, Image, ImageSearch
from gallery.models.collections import CODE_LENGTH
from gallery.search import hidden_images
from registry.models import ModelSearch, RegisteredModel
from registry.search import hidden_rows

MAX_TITLE: Final = 120
MAX_TEXT: Final = 4_000
MAX_COLLECTIONS: Final = 500
MAX_ITEMS: Final = 1_000
PAGE_SIZE: Final = 36
# Kinds of subjects that a collection holds.
COLLECTED: Final = frozenset({"image", "model"})
_NOBODY: Final = AnonymousUser()


@transaction.atomic
def create_collection(
    title: str, text: str = "", visibility: str = Collection.Visibility.PRIVATE, *, by: User
) -> Collection:
    """Make an empty collection. Raises InvalidInput (title, text, visibility), Conflict for too many, RateLimited."""
    given = _clean(title, text, visibility)
    check_rate("write", f"user:{by.pk}")
    if by.collections.count() >= MAX_COLLECTIONS:
        raise Conflict(
            _("You have %(most)d collections. Delete one first.") % {"most": MAX_COLLECTIONS}, code="too_many"
        )
    subject = create_subject(by, "collection", given["title"], "/collections")
    collection = Collection.objects.create(subject=subject, owner=by, **given)
    refresh_subject(collection)
    return collection


@transaction.atomic
def edit_collection(collection: Collection, *, by: User, **changes: str) -> Collection:
    """Change title, text or visibility of one's own. Raises NotAllowed, InvalidInput, RateLimited."""
    collection = _hold(collection, by)
    kept = {"title": collection.title, "text": collection.text, "visibility": collection.visibility}
    for name, value in _clean(**{**kept, **changes}).items():
        setattr(collection, name, value)
    check_rate("write", f"user:{by.pk}")
    collection.save()
    refresh_subject(collection)
    return collection


def _clean(title: str, text: str, visibility: str) -> dict[str, str]:
    if visibility not in Collection.Visibility.values:
        known = ", ".join(Collection.Visibility.values)
        raise InvalidInput(_("Choose one of %(known)s.") % {"known": known}, field="visibility")
    return {
        "title": clean_line(title, "title", most=MAX_TITLE, required=True),
        "text": clean_text(text, "text", most=MAX_TEXT).strip(),
        "visibility": visibility,
    }


def refresh_subject(collection: Collection) -> None:
    """Bring its subject up to what a collection says now. Call it in the transaction of the change."""
    is_public = collection.visibility == Collection.Visibility.PUBLIC and not collection.removed_reason
    address = collection.get_absolute_url()
    update_subject(collection.subject, title=collection.title, address=address, is_public=is_public)


@transaction.atomic
def delete_collection(collection: Collection, *, by: User) -> None:
    """Take a collection of one's own apart, with the talk under it; its things stay. Raises NotAllowed."""
    _hold(collection, by).subject.delete()


@transaction.atomic
def add_to_collection(collection: Collection, subject: Subject, *, by: User) -> CollectionItem:
    """Put an image or a model that `by` sees at the end of a collection of theirs. Twice changes nothing.

    Followers of a public collection are told. Raises NotAllowed, InvalidInput, Conflict for too many, RateLimited.
    """
    collection = _hold(collection, by)
    if subject.kind not in COLLECTED:
        raise InvalidInput(_("Collections hold models and images."), code="not_collectible", field="kind")
    found = collection.items.filter(subject=subject).first()
    if found is not None:
        return found
    check_rate("write", f"user:{by.pk}")
    if collection.items.count() >= MAX_ITEMS:
        raise Conflict(_("A collection holds at most %(most)d things.") % {"most": MAX_ITEMS}, code="too_many")
    last = collection.items.aggregate(last=Max("position"))["last"]
    item = CollectionItem.objects.create(
        collection=collection, subject=subject, position=0 if last is None else last + 1
    )
    collection.save(update_fields=["updated_at"])
    if collection.visibility == Collection.Visibility.PUBLIC and subject.is_public:
        announce(
            Notice.Kind.COLLECTED,
            subject=collection.subject,
            actor=by,
            followed=[collection.subject],
            params={},
            event=f"collected:{collection.pk}:{subject.pk}",
            of_actor=False,
        )
    return item


@transaction.atomic
def take_from_collection(collection: Collection, item_id: int, *, by: User) -> None:
    """Take one thing out. Twice changes nothing. Raises NotAllowed."""
    _hold(collection, by).items.filter(pk=item_id).delete()


@transaction.atomic
def order_items(collection: Collection, ids: Sequence[int], *, by: User) -> None:
    """Put the items in this order. Raises NotAllowed, InvalidInput unless every one of them is named once."""
    collection = _hold(collection, by)
    items = {item.pk: item for item in collection.items.all()}
    if len(ids) != len(items) or set(ids) != set(items):
        raise InvalidInput(
            _("Name each item of the collection once; it has %(count)d.") % {"count": len(items)}, field="items"
        )
    _number(items[pk] for pk in ids)


@transaction.atomic
def move_item(collection: Collection, item_id: int, steps: int, *, by: User) -> None:
    """Move one item so many places towards the end, or with a negative number towards the beginning."""
    collection = _hold(collection, by)
    items = list(collection.items.order_by("position", "pk"))
    place = next((number for number, item in enumerate(items) if item.pk == item_id), None)
    if place is None:
        raise Conflict(_("This is not in the collection any more."), code="gone")
    item = items.pop(place)
    items.insert(min(max(place + steps, 0), len(items)), item)
    _number(items)


def _number(items) -> None:
    changed = []
    for position, item in enumerate(items):
        if item.position != position:
            item.position = position
            changed.append(item)
    CollectionItem.objects.bulk_update(changed, ["position"])


def _hold(collection: Collection, by: User) -> Collection:
    """The collection as it stands, held until the transaction ends."""
    rows = Collection.objects.select_for_update(no_key=True, of=("self",)).select_related("subject", "owner")
    found = rows.filter(pk=collection.pk).first()
    if found is None:
        raise Conflict(_("This collection is gone."), code="gone")
    if found.owner_id != by.pk:
        raise NotAllowed(_("This is somebody else's collection."))
    return found


@dataclass(frozen=True)
class ItemPage:
    """Some items in their order. `hidden` are public things that the viewer's settings leave out."""

    items: tuple[CollectionItem, ...]
    next: str
    hidden: int


def items_page(
    collection: Collection, viewer: Viewer = _NOBODY, *, cursor: str = "", size: int = PAGE_SIZE
) -> ItemPage:
    """What `viewer` may and wants to see of a collection, with its subjects. Raises InvalidInput (cursor)."""
    shown = _shown(collection.items.all(), viewer)
    page: Page[CollectionItem] = keyset_page(
        shown.select_related("subject"), ("position", "pk"), cursor=cursor, size=size
    )
    hidden = 0
    if not cursor:
        public = collection.items.filter(subject__is_public=True)
        hidden = public.count() - shown.filter(subject__is_public=True).count()
    return ItemPage(tuple(page.items), page.next, hidden)


def _shown(items: QuerySet[CollectionItem], viewer: Viewer) -> QuerySet[CollectionItem]:
    models = RegisteredModel.objects.visible_to(viewer).values("subject")
    images = Image.objects.visible_to(viewer).ready().values("subject")
    items = items.filter(Q(subject__in=models) | Q(subject__in=images))
    hidden = hidden_by(viewer)
    if not hidden:
        return items
    away = Q(subject__owner__in=hidden.owners) | Q(subject__in=hidden.subjects)
    if hidden.tags:
        away |= Q(subject__in=ModelSearch.objects.filter(hidden_rows(viewer)).values("model__subject"))
        away |= Q(subject__in=ImageSearch.objects.filter(hidden_images(viewer)).values("image__subject"))
    return items.exclude(away)


def find_collection(address: str, viewer: Viewer) -> Collection | None:
    """The collection that the last part of an address names, by its code, as far as `viewer` may see it."""
    code = address.partition("-")[0]
    if len(code) != CODE_LENGTH or not code.isascii() or not code.isalnum():
        return None
    return Collection.objects.reachable_by(viewer).select_related("subject", "owner").filter(code=code).first()


def collection_subject(name: str, viewer: Viewer) -> Subject | None:
    """For `settings.SUBJECT_FINDERS`: of an unlisted one only its owner is told."""
    collection = find_collection(name, viewer)
    if collection is None or not Collection.objects.listed_to(viewer).filter(pk=collection.pk).exists():
        return None
    return collection.subject


def opened_collection_subject(name: str, viewer: Viewer) -> Subject | None:
    """For `settings.REPORT_FINDERS`: whoever can open one by its address may report it, unlisted ones too."""
    collection = find_collection(name, viewer)
    return collection.subject if collection else None


def image_subject(name: str, viewer: Viewer) -> Subject | None:
    """For `settings.SUBJECT_FINDERS`: the subject of the image with this number."""
    if not (name.isascii() and name.isdigit() and len(name) < 19):
        return None
    image = Image.objects.visible_to(viewer).select_related("subject").filter(pk=int(name)).first()
    return image.subject if image else None


def collections_of(owner: User, viewer: Viewer, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Collection]:
    """Somebody's collections that lists name to `viewer`, the last changed first. Raises InvalidInput (cursor)."""
    rows = Collection.objects.listed_to(viewer).filter(owner=owner).select_related("owner").with_counts()
    return keyset_page(rows, ("-updated_at", "-pk"), cursor=cursor, size=size)
