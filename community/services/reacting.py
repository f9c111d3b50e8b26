"""Reactions to images and models, with counts that stay right however many people click at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import Notice, Reaction, Subject, User, Viewer
from community.services.forgetting import untell
from community.services.limits import check_rate
from community.services.notifications import notify

# Kinds of subjects that take reactions; talk has answers instead.
REACTED: Final = frozenset({"image", "model"})


@transaction.atomic
def react(subject: Subject, kind: str, *, by: User) -> bool:
    """Add `by`'s reaction to a subject that they see; whether that is a change: each kind stands once.

    Raises InvalidInput (kind), Conflict for what takes no reactions, RateLimited.
    """
    _check(subject, kind, by)
    _reaction, made = Reaction.objects.get_or_create(subject=subject, person=by, kind=kind)
    if made:
        _count(subject, kind, 1)
        if subject.owner is not None:
            notify(
                Notice.Kind.REACTION,
                to=[subject.owner],
                subject=subject,
                actor=by,
                params={"reaction": kind},
                event=_event(subject, kind, by),
                gather=kind,
            )
    return made


@transaction.atomic
def take_back(subject: Subject, kind: str, *, by: User) -> bool:
    """Take the reaction back, out of the notice of it too while that is unread; whether that is a change.

    Raises as `react` does.
    """
    _check(subject, kind, by)
    gone, _rows = Reaction.objects.filter(subject=subject, person=by, kind=kind).delete()
    if gone:
        _count(subject, kind, -1)
        if subject.owner_id is not None:
            untell(_event(subject, kind, by), person_id=subject.owner_id)
    return bool(gone)


def _event(subject: Subject, kind: str, person: User) -> str:
    return f"reaction:{subject.pk}:{person.pk}:{kind}"


def _check(subject: Subject, kind: str, person: User) -> None:
    if kind not in Reaction.Kind.values:
        known = ", ".join(Reaction.Kind.values)
        raise InvalidInput(_("There is no such reaction. Known are: %(known)s.") % {"known": known}, field="kind")
    if subject.kind not in REACTED:
        raise Conflict(_("This takes no reactions."), code="no_reactions")
    check_rate("reaction", f"user:{person.pk}")


def _count(subject: Subject, kind: str, step: int) -> None:
    """In the transaction of the row itself: the update holds the subject, so that counts of others are not lost."""
    column = f"{kind}_count"
    changes = {column: F(column) + step, "reaction_count": F("reaction_count") + step, "counts_changed": True}
    Subject.objects.filter(pk=subject.pk).update(**changes)


def reactions_by(viewer: Viewer, subjects: Iterable[int]) -> dict[int, frozenset[str]]:
    """How `viewer` reacted to each of these subjects, by their ids. One query; none for those not signed in."""
    if not viewer.is_authenticated:
        return {}
    found: dict[int, set[str]] = {}
    rows = Reaction.objects.filter(person=viewer, subject__in=list(subjects))
    for subject, kind in rows.values_list("subject_id", "kind"):
        found.setdefault(subject, set()).add(kind)
    return {subject: frozenset(kinds) for subject, kinds in found.items()}


def reactions_received(person: User) -> int:
    """How many reactions stand under somebody's public work."""
    total = person.subjects.filter(is_public=True).aggregate(total=Sum("reaction_count"))["total"]
    return total or 0
