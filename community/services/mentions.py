"""`@name` in what people write: who is meant, and who is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models.functions import Lower

from community.models import Notice, Subject, User
from community.services.markdown import mentions_in
from community.services.notifications import notify

# A text tells no more people than this; the names after them are only words.
MAX_MENTIONS: Final = 10


def mentioned_people(text: str) -> list[User]:
    """The people whom a text names, in the order of their names in it: the first `MAX_MENTIONS` names are looked up."""
    names = [name.lower() for name in mentions_in(text, most=MAX_MENTIONS)]
    if not names:
        return []
    found = User.objects.alias(low=Lower("username")).filter(low__in=names, is_active=True)
    return sorted(found, key=lambda person: names.index(person.username.lower()))


def names_of(people: Iterable[User]) -> list[str]:
    """What is stored beside the text, so that showing it asks nobody who is who."""
    return [person.username for person in people]


def tell_mentioned(
    people: Sequence[User],
    *,
    subject: Subject,
    by: User,
    address: str,
    event: str,
    but: Iterable[User] = (),
    before: Iterable[str] = (),
) -> int:
    """Tell the people named in a text under `subject`, but for those who hear of the text otherwise.

    `event` names the text, so that an edit tells only those who are new in it. `before` are the names that stood in it
    until now: what they were told may be so old that nobody remembers it (`community.services.forgetting`).
    """
    named = set(before)
    others = {person.pk for person in but} | {person.pk for person in people if person.username in named}
    return notify(
        Notice.Kind.MENTION,
        to=[person for person in people if person.pk not in others],
        subject=subject,
        actor=by,
        params={"address": address},
        event=event,
    )
