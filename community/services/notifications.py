"""Notices: who is told of what, once.

Every room calls `notify` for what concerns few people, in the transaction of the act itself, and `announce` for what
concerns everybody who follows something, which a worker then does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from celery import current_app, shared_task
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from community.models import Announcement, Follow, Mute, Notice, NoticeEvent, Subject, User
from community.services.paging import Page, keyset_page

TELL_FOLLOWERS: Final = "community.tell_followers"
PAGE_SIZE: Final = 30
# More unread ones than this are not counted: the header says "99+".
COUNTED: Final = 99
# Followers that are told in one transaction.
BATCH: Final = 500
ACTORS_KEPT: Final = 3
_AT_ONCE: Final = 100
_NEWS_LASTS: Final = timedelta(days=7)
_NEWEST: Final = ("-latest_at", "-pk")

logger = logging.getLogger(__name__)


@transaction.atomic
def notify(
    kind: str,
    *,
    to: Iterable[User],
    subject: Subject | None,
    actor: User | None,
    params: Mapping[str, Any],
    event: str,
    gather: str = "",
) -> int:
    """Tell people of one event; gives back how many were told now.

    Nobody is told twice of the same `event`, of their own act, of somebody or something that they hide, or of what
    they may not see. `params` are what the sentence of the kind names; "address" among them is where the notice leads,
    else it leads to the subject. Events of one kind about one subject are one notice until it is read; `gather` parts
    them further.
    """
    people = _listeners({person.pk for person in to}, kind, subject, actor)
    people -= _told(event, people)
    if not people:
        return 0
    key = f"{kind}:{subject.pk if subject else event}:{gather}"[:120]
    held = _open_notices(people, kind, subject, key)
    for already in _told(event, people):  # by the same call elsewhere, while this one waited for the rows
        if (notice := held.pop(already)).event_count == 0:
            notice.delete()
    _add_event(list(held.values()), actor, params, event)
    return len(held)


def _listeners(ids: set[int], kind: str, subject: Subject | None, actor: User | None) -> set[int]:
    """Of these people the ones who want to, and may, hear of it."""
    people = User.objects.filter(pk__in=ids, is_active=True)
    hidden = Q()
    if actor is not None:
        people = people.exclude(pk=actor.pk)
        hidden |= Q(subject__kind="person", subject__owner=actor)
    if subject is not None:
        hidden |= Q(subject=subject)
        if not subject.is_public:
            keepers = Q(role__in=[User.Role.MODERATOR, User.Role.OPERATOR])
            people = people.filter(keepers | Q(pk=subject.owner_id))
        if subject.kind in {"model", "review"} and subject.rating:
            fitting = F("browsing_level").bitand(subject.rating)
            keepers = Q(role__in=[User.Role.MODERATOR, User.Role.OPERATOR])
            people = people.alias(fits=fitting).filter(Q(fits__gt=0) | keepers | Q(pk=subject.owner_id))
        if kind == Notice.Kind.POST:
            beyond = F("browsing_level").bitand(subject.rating)
            people = people.alias(seen=beyond).filter(Q(seen=subject.rating) | Q(pk=subject.owner_id))
    if hidden:
        people = people.exclude(pk__in=Mute.objects.filter(hidden).values("person"))
    return set(people.values_list("pk", flat=True))


def _told(event: str, people: Iterable[int]) -> set[int]:
    events = NoticeEvent.objects.filter(event=event, person__in=list(people))
    return set(events.values_list("person_id", flat=True))


def _open_notices(people: set[int], kind: str, subject: Subject | None, key: str) -> dict[int, Notice]:
    """The unread notice of each person that this gathers in, made where there is none, held until the end.

    Rows are made and held in the order of the people, so that two events never wait for each other.
    """
    held: dict[int, Notice] = {}
    missing = people
    while missing:  # again only for those who read theirs in this very moment
        now = timezone.now()
        rows = [
            Notice(person_id=person, kind=kind, subject=subject, gathered=key, latest_at=now)
            for person in sorted(missing)
        ]
        Notice.objects.bulk_create(rows, ignore_conflicts=True)
        found = Notice.objects.unread().filter(person__in=missing, gathered=key)
        held |= {notice.person_id: notice for notice in found.order_by("person_id").select_for_update(of=("self",))}
        missing = people - set(held)
    return held


def _add_event(notices: Sequence[Notice], actor: User | None, params: Mapping[str, Any], event: str) -> None:
    known: set[int] = set()
    if actor is not None:
        events = NoticeEvent.objects.filter(notice__in=notices, actor=actor)
        known = set(events.values_list("notice_id", flat=True))
    NoticeEvent.objects.bulk_create(
        [NoticeEvent(notice=notice, person_id=notice.person_id, event=event, actor=actor) for notice in notices]
    )
    for notice in notices:
        notice.params, notice.latest_at, notice.mailed_at = dict(params), timezone.now(), None
        notice.event_count += 1
        if actor is not None:
            notice.actor_count += notice.pk not in known
            others = [pk for pk in notice.actor_ids if pk != actor.pk]
            notice.actor_ids = [actor.pk, *others][:ACTORS_KEPT]
    changed = ["params", "latest_at", "mailed_at", "event_count", "actor_count", "actor_ids"]
    Notice.objects.bulk_update(notices, changed)


def announce(
    kind: str,
    *,
    subject: Subject,
    actor: User,
    followed: Iterable[Subject],
    params: Mapping[str, Any],
    event: str,
    of_actor: bool = True,
) -> None:
    """Have whoever follows one of `followed`, or `actor`, told that `subject` is new. Once for each `event`.

    Call it in the transaction that makes the thing public; a worker tells the people. `of_actor=False` leaves out
    those who follow only the actor.
    """
    ids = {one.pk for one in followed}
    if of_actor:
        ids |= set(Subject.objects.filter(kind="person", owner=actor).values_list("pk", flat=True))
    ids = set(Follow.objects.filter(subject__in=ids).values_list("subject_id", flat=True).distinct())
    if not ids:
        return
    row, made = Announcement.objects.get_or_create(
        event=event,
        defaults={"kind": kind, "subject": subject, "actor": actor, "followed_ids": sorted(ids), "params": params},
    )
    if made:

        def send() -> None:
            current_app.send_task(TELL_FOLLOWERS, [row.pk], queue="io", retry=False)

        transaction.on_commit(send, robust=True)


@shared_task(name=TELL_FOLLOWERS)
def tell_followers(announcement_id: int) -> int:
    """Tell an announcement to its followers, in batches; gives back how many were told. Safe to run twice."""
    told = 0
    while True:
        with transaction.atomic():
            rows = Announcement.objects.select_for_update(of=("self",)).select_related("subject", "actor")
            row = rows.filter(pk=announcement_id).first()
            if row is None:
                return told
            people = _next_followers(row)
            told += notify(
                row.kind, to=people, subject=row.subject, actor=row.actor, params=row.params, event=row.event
            )
            if len(people) < BATCH:
                # Its event stays with those who were told; made anew it would tell only whoever came since.
                row.delete()
                return told
            row.told_up_to = people[-1].pk
            row.save(update_fields=["told_up_to"])


def _next_followers(row: Announcement) -> list[User]:
    following = Follow.objects.filter(subject__in=row.followed_ids).values("person")
    return list(User.objects.filter(pk__in=following, pk__gt=row.told_up_to).order_by("pk")[:BATCH])


@shared_task(name="community.tell_all_waiting")
def tell_all_waiting() -> int:
    """Announcements whose message was lost. Gives back how many people were told.

    One that fails is left for the next time and stops no other; after a week it is no news, and goes.
    """
    Announcement.objects.filter(created_at__lt=timezone.now() - _NEWS_LASTS).delete()
    told = 0
    for pk in list(Announcement.objects.values_list("pk", flat=True)[:_AT_ONCE]):
        try:
            told += tell_followers(pk)
        except DatabaseError:
            logger.exception("announcement %s was not told", pk)
    return told


def notices_page(person: User, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Notice]:
    """One's notices, newest first, with their subjects. Raises InvalidInput (cursor)."""
    rows = Notice.objects.shown_to(person).select_related("subject")
    return keyset_page(rows, _NEWEST, cursor=cursor, size=size)


def unread_count(person: User) -> int:
    """How many are unread; counted up to COUNTED + 1."""
    return Notice.objects.shown_to(person).unread()[: COUNTED + 1].count()


def mark_read(person: User, ids: Iterable[int] | None = None) -> int:
    """These notices of one's own, or all of them, are read. Gives back how many were not before."""
    rows = Notice.objects.filter(person=person).unread()
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return rows.update(read_at=timezone.now())
