"""The moderators' queue: what waits, with what looks like it, and what was decided so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from community.errors import InvalidInput
from community.models import Appeal, Case, Decision, Subject, User
from community.services.deciding import Order, decide, decide_case, hold_group
from community.services.paging import Page, keyset_page

PAGE_SIZE: Final = 10
LOG_SIZE: Final = 50
SORTS: Final = {"oldest": ("opened_at", "pk"), "most": ("-report_count", "-pk")}
# So many of what looks like a thing are shown with it.
MOST_ALIKE: Final = 24


@dataclass(frozen=True)
class Waiting:
    """A case with what looks like its thing: `reported` waits too, `others` nobody has reported."""

    case: Case
    reported: tuple[Subject, ...]
    others: tuple[Subject, ...]


def queue_page(*, sort: str = "oldest", kind: str = "", cursor: str = "") -> tuple[list[Waiting], str]:
    """Cases that wait, and the cursor of the next page. Raises InvalidInput (sort, cursor).

    Reported things that look like an earlier one of the same page stand with that one.
    """
    if sort not in SORTS:
        raise InvalidInput("", field="sort")
    rows = Case.objects.open().for_queue()
    if kind == "comment":
        rows = rows.filter(comment__isnull=False)
    elif kind:
        rows = rows.filter(subject__kind=kind, comment__isnull=True)
    page = keyset_page(rows, SORTS[sort], cursor=cursor, size=PAGE_SIZE)
    return _grouped(page.items), page.next


def waiting(case: Case) -> Waiting:
    """One case of the queue with what looks like it."""
    return _grouped([case])[0]


def _grouped(cases: Sequence[Case]) -> list[Waiting]:
    asked = [case.subject_id for case in cases if case.comment_id is None]
    near = alike(asked)
    ids = {other for others in near.values() for other in others}
    known = {subject.pk: subject for subject in Subject.objects.filter(pk__in=ids).select_related("owner")}
    open_ids = set(
        Case.objects.open().filter(subject__in=ids, comment__isnull=True).values_list("subject_id", flat=True)
    )
    taken: set[int] = set()
    found = []
    for case in cases:
        if case.comment_id is None and case.subject_id in taken:
            continue
        others = [known[pk] for pk in near.get(case.subject_id, ()) if pk in known] if case.comment_id is None else []
        reported = tuple(one for one in others if one.pk in open_ids)
        taken |= {one.pk for one in reported}
        rest = tuple(one for one in others if one.pk not in open_ids)
        found.append(Waiting(case, reported[:MOST_ALIKE], rest[:MOST_ALIKE]))
    return found


def alike(subjects: Sequence[int]) -> dict[int, list[int]]:
    """What looks like these things, as the room that they belong to says (`settings.MODERATION_ALIKE`)."""
    if not subjects or not settings.MODERATION_ALIKE:
        return {}
    find: Callable[[Sequence[int]], dict[int, list[int]]] = import_string(settings.MODERATION_ALIKE)
    return find(subjects)


def words_of(subjects: Sequence[Subject]) -> dict[int, str]:
    """What these things say, by their ids, as far as their rooms tell (`settings.MODERATION_WORDS`)."""
    found: dict[int, str] = {}
    for kind, path in settings.MODERATION_WORDS.items():
        ids = [subject.pk for subject in subjects if subject.kind == kind]
        if ids:
            read: Callable[[Sequence[int]], dict[int, str]] = import_string(path)
            found |= read(ids)
    return found


@transaction.atomic
def decide_group(case: Case, also: Sequence[int], order: Order, *, by: User) -> list[Decision]:
    """Decide a case, and in the same way those things that look like it and that the moderator ticked.

    Raises as `decide_case`; what does not look like it is passed over.
    """
    near = set(alike([case.subject_id]).get(case.subject_id, ())) & set(also) if also else set()
    others = list(Subject.objects.filter(pk__in=near).select_related("owner").order_by("pk"))
    if others:
        hold_group([case.subject, *others], order)
    decisions = [decide_case(case, order, by=by)]
    decisions += [decide(subject, order, by=by) for subject in others]
    return decisions


def open_appeals() -> QuerySet[Appeal]:
    """Appeals that wait, the oldest first."""
    rows = Appeal.objects.filter(state=Appeal.State.OPEN).select_related("decision__actor", "decision__subject")
    return rows.select_related("person").order_by("created_at", "pk")


def counts() -> dict[str, int]:
    """How many cases and appeals wait; ends at 100."""
    return {
        "cases": Case.objects.open()[:100].count(),
        "appeals": Appeal.objects.filter(state=Appeal.State.OPEN)[:100].count(),
    }


def log_page(*, cursor: str = "", size: int = LOG_SIZE) -> Page[Decision]:
    """Every decision, newest first, with the appeal that followed. Raises InvalidInput (cursor)."""
    rows = Decision.objects.select_related("appeal")
    return keyset_page(rows, ("-created_at", "-pk"), cursor=cursor, size=size)


def history_of(subject: Subject) -> list[Decision]:
    """What was decided about a thing before, newest first."""
    rows = Decision.objects.filter(subject=subject).select_related("actor", "appeal").order_by("-pk")
    return list(rows[:20])
