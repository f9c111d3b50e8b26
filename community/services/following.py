"""What people follow, and what they hide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Value
from django.db.models.functions import Lower
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import Follow, Mute, Notice, Subject, Topic, User, Viewer
from community.names import is_name
from community.services.limits import check_rate
from community.services.notifications import notify
from community.services.paging import Page, keyset_page

PAGE_SIZE: Final = 50
MAX_FOLLOWS: Final = 10_000
MAX_HIDDEN: Final = 2_000
MAX_TAG: Final = 60
# A model's name is its whole address, an image's or a topic's only what follows the first part.
_PARTS_BEFORE_NAME: Final = {"model": 0}
_HIDDEN_KEPT: Final = "_hidden_by_settings"


@dataclass(frozen=True)
class Hidden:
    """What a viewer has chosen not to see: people by id, things by their subject's id, tags in lower case."""

    owners: frozenset[int] = frozenset()
    subjects: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.owners or self.subjects or self.tags)


def hidden_by(viewer: Viewer) -> Hidden:
    """What `viewer` hides. One query for as long as the object lives, so that every list of a page may ask."""
    if not viewer.is_authenticated:
        return Hidden()
    kept: Hidden | None = getattr(viewer, _HIDDEN_KEPT, None)
    if kept is None:
        kept = _read_hidden(viewer)
        setattr(viewer, _HIDDEN_KEPT, kept)
    return kept


def _read_hidden(person: User) -> Hidden:
    owners, subjects, tags = set(), set(), set()
    rows = Mute.objects.filter(person=person).values_list(
        "subject_id", "subject__kind", "subject__owner", "subject__title"
    )
    for pk, kind, owner, title in rows:
        if kind == "person":
            owners.add(owner)
        elif kind == "tag":
            tags.add(title.lower())
        else:
            subjects.add(pk)
    return Hidden(frozenset(owners), frozenset(subjects), frozenset(tags))


def find_subject(kind: str, name: str, viewer: Viewer) -> Subject | None:
    """The subject that an address names, as far as `viewer` may see it.

    Each room finds its own things: `settings.SUBJECT_FINDERS` names a function of (name, viewer) for each kind. People
    and tags get a subject when somebody first follows or hides them.
    """
    path = settings.SUBJECT_FINDERS.get(kind)
    if path is None or "\0" in name:
        return None
    finder: Callable[[str, Viewer], Subject | None] = import_string(path)
    return finder(name, viewer)


def person_subject(name: str, viewer: Viewer) -> Subject | None:
    """The subject of an active person, made when it is first needed."""
    if not is_name(name):
        return None
    people = User.objects.alias(low=Lower("username")).filter(low=name.lower(), is_active=True)
    person = people.first()
    return subject_of_person(person) if person else None


def subject_of_person(person: User) -> Subject:
    """The subject that is this person."""
    subject, _made = Subject.objects.get_or_create(
        kind="person",
        owner=person,
        defaults={
            "title": person.username,
            "address": person.get_absolute_url(),
            "is_public": True,
            "comments_open": False,
        },
    )
    return subject


def tag_subject(name: str, viewer: Viewer) -> Subject | None:
    """The subject of a tag, made when somebody who is signed in first needs it."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_TAG:
        return None
    tags = Subject.objects.filter(kind="tag").alias(low=Lower("title")).filter(low=Lower(Value(name)))
    known = tags.first()
    if known is not None or not viewer.is_authenticated:
        return known
    row = Subject(kind="tag", title=name, address=_tag_address(name), is_public=True, comments_open=False)
    Subject.objects.bulk_create([row], ignore_conflicts=True)  # somebody may be making it at this moment
    return tags.first()


def _tag_address(name: str) -> str:
    return f"{settings.TAG_ADDRESS}{quote(name)}"


def topic_subject(name: str, viewer: Viewer) -> Subject | None:
    """The subject of the topic with this number."""
    if not (name.isascii() and name.isdigit() and len(name) < 19):
        return None
    topic = Topic.objects.visible_to(viewer).select_related("subject").filter(pk=int(name)).first()
    return topic.subject if topic else None


@transaction.atomic
def follow(subject: Subject, *, by: User) -> bool:
    """Have `by` told of what is new about a subject that they see; whether that is a change.

    Raises InvalidInput for oneself, Conflict for too many, RateLimited.
    """
    _check_not_self(subject, by, _("You cannot follow yourself."))
    check_rate("write", f"user:{by.pk}")
    if Follow.objects.filter(person=by).count() >= MAX_FOLLOWS:
        raise Conflict(_("You follow %(most)d things. Leave one first.") % {"most": MAX_FOLLOWS}, code="too_many")
    _follow, made = Follow.objects.get_or_create(person=by, subject=subject)
    if made:
        Subject.objects.filter(pk=subject.pk).update(follower_count=F("follower_count") + 1)
        if subject.kind == "person":
            notify(
                Notice.Kind.FOLLOWER,
                to=[subject.owner],
                subject=subject,
                actor=by,
                params={"address": by.get_absolute_url()},
                event=f"follow:{subject.pk}:{by.pk}",
            )
    return made


@transaction.atomic
def unfollow(subject: Subject, *, by: User) -> bool:
    """The reverse; whether that is a change. Raises RateLimited."""
    check_rate("write", f"user:{by.pk}")
    return _unfollow(subject, by)


def _unfollow(subject: Subject, by: User) -> bool:
    gone, _rows = Follow.objects.filter(person=by, subject=subject).delete()
    if gone:
        counted = Subject.objects.filter(pk=subject.pk, follower_count__gt=0)
        counted.update(follower_count=F("follower_count") - 1)
    return bool(gone)


@transaction.atomic
def hide(subject: Subject, *, by: User) -> bool:
    """Show `by` no more of a person, a tag or a thing, nor notices of it; whether that is a change.

    What is hidden is followed no longer. Raises InvalidInput for oneself, Conflict for too many, RateLimited.
    """
    _check_not_self(subject, by, _("You cannot hide yourself."))
    check_rate("write", f"user:{by.pk}")
    if Mute.objects.filter(person=by).count() >= MAX_HIDDEN:
        raise Conflict(_("You hide %(most)d things. Show one again first.") % {"most": MAX_HIDDEN}, code="too_many")
    _mute, made = Mute.objects.get_or_create(person=by, subject=subject)
    _unfollow(subject, by)
    _forget_kept(by)
    return made


@transaction.atomic
def unhide(subject: Subject, *, by: User) -> bool:
    """The reverse; whether that is a change. Raises RateLimited."""
    check_rate("write", f"user:{by.pk}")
    gone, _rows = Mute.objects.filter(person=by, subject=subject).delete()
    _forget_kept(by)
    return bool(gone)


def name_of(subject: Subject) -> tuple[str, str]:
    """The kind and the name by which `find_subject` finds a subject again."""
    if subject.kind in {"person", "tag"}:
        return ("people" if subject.kind == "person" else "tags"), subject.title
    return f"{subject.kind}s", subject.address.strip("/").split("/", _PARTS_BEFORE_NAME.get(subject.kind, 1))[-1]


def follows_of(person: User, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Follow]:
    """What somebody follows, newest first, as far as they may still see it. Raises InvalidInput (cursor)."""
    rows = person.follows.filter(subject__in=Subject.objects.visible_to(person)).select_related("subject")
    return keyset_page(rows, ("-pk",), cursor=cursor, size=size)


def mutes_of(person: User, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Mute]:
    """What somebody hides, newest first. Raises InvalidInput (cursor)."""
    rows = person.mutes.filter(subject__in=Subject.objects.visible_to(person)).select_related("subject")
    return keyset_page(rows, ("-pk",), cursor=cursor, size=size)


@dataclass(frozen=True)
class Standing:
    """How a viewer stands to one subject."""

    follows: bool = False
    hides: bool = False


def standing_of(subject: Subject | None, viewer: Viewer) -> Standing:
    """Whether `viewer` follows or hides it. One query; none for those who are not signed in."""
    if subject is None or not viewer.is_authenticated:
        return Standing()
    found = (
        Subject.objects.filter(pk=subject.pk)
        .annotate(
            followed=Exists(Follow.objects.filter(person=viewer, subject=OuterRef("pk"))),
            hidden=Exists(Mute.objects.filter(person=viewer, subject=OuterRef("pk"))),
        )
        .values_list("followed", "hidden")
        .first()
    )
    return Standing(*found) if found else Standing()


def _check_not_self(subject: Subject, person: User, detail: str) -> None:
    if subject.kind == "person" and subject.owner_id == person.pk:
        raise InvalidInput(detail, code="oneself", field="id")


def _forget_kept(person: User) -> None:
    person.__dict__.pop(_HIDDEN_KEPT, None)
