"""Decisions of moderators. Whatever room a thing belongs to, there is one way that it is held, removed or restored.

`decide` writes the decision, has the room's handler change the thing, closes the open case, and tells whoever it
concerns: all of it in one transaction. Handlers are named by the kind of subject in `settings.MODERATION_HANDLERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Case, Comment, Decision, Notice, Subject, User
from community.ratings import Rating
from community.rules import text_of
from community.services.notifications import notify
from community.services.reporting import clean_rule
from community.services.texts import clean_reason, clean_text

Act = Decision.Act
MAX_EVIDENCE: Final = 2_000


@dataclass(frozen=True)
class Order:
    """What a moderator decides about a thing. `whole` means the post around an image; `block` its bytes, `block_alike`
    whatever looks like it. `undoes` is the id of the decision that an appeal undoes by this one.
    """

    act: Act
    rule: str = ""
    reason: str = ""
    evidence: str = ""
    rating: Rating | None = None
    whole: bool = False
    block: bool = False
    block_alike: bool = False
    undoes: int | None = None


@dataclass(frozen=True)
class Handler:
    """How one kind of thing is decided about.

    `acts` change it, `keep` changes nothing and is always possible. `apply(subject, comment, decision, order)` changes
    the thing and gives back its rating before, for a change of rating. `can_block`: its bytes can be blocked.
    `can_whole`: it stands in something larger that can be decided about along with it. `hold(subjects, order)` holds
    all that an order about several things changes, in one order for everybody, before the first of them is decided.
    """

    acts: frozenset[str]
    apply: Callable[[Subject, Comment | None, Decision, Order], int | None]
    can_block: bool = False
    can_whole: bool = False
    hold: Callable[[Sequence[Subject], Order], None] | None = None


def handler_of(kind: str) -> Handler:
    """The handler of a kind of subject, or of "comment". Raises Conflict where moderators do not decide about it."""
    path = settings.MODERATION_HANDLERS.get(kind)
    if path is None:
        raise Conflict(_("Moderators do not decide about this."), code="not_reportable")
    found: Handler = import_string(path)
    return found


def kind_of(subject: Subject, comment: Comment | None) -> str:
    """What is decided about: a comment, or the thing itself."""
    return "comment" if comment is not None else subject.kind


@transaction.atomic
def decide(subject: Subject, order: Order, *, by: User, comment: Comment | None = None) -> Decision:
    """Decide about a thing, or a comment under it, whether it was reported or not.

    Raises NotAllowed, InvalidInput (act, rule, reason, evidence, rating), Conflict where the thing is gone.
    """
    order = _clean(order, handler_of(kind_of(subject, comment)), by)
    case = Case.objects.open().select_for_update(no_key=True, of=("self",)).filter(subject=subject, comment=comment)
    return _write(subject, comment, order, case.first(), by)


@transaction.atomic
def decide_case(case: Case, order: Order, *, by: User) -> Decision:
    """Decide a case of the queue. Raises as `decide`, Conflict where somebody has decided it meanwhile."""
    held = Case.objects.open().select_for_update(no_key=True, of=("self",)).filter(pk=case.pk)
    found = held.select_related("subject__owner", "comment__author").first()
    if found is None:
        raise Conflict(_("Somebody has decided this meanwhile."), code="decided")
    if _owner(found.subject, found.comment) == by and others_keep_order(by):
        raise NotAllowed(_("Another moderator decides about your own work."), code="own_work")
    order = _clean(order, handler_of(kind_of(found.subject, found.comment)), by)
    return _write(found.subject, found.comment, order, found, by)


def hold_group(subjects: Sequence[Subject], order: Order) -> None:
    """Hold the cases and the things that are decided together, in the order of their numbers: call it first.

    Of two moderators whose groups overlap, the later one waits, and holds nothing that the first one needs.
    """
    open_cases = Case.objects.open().filter(subject__in=subjects, comment=None).order_by("pk")
    list(open_cases.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    for kind in sorted({subject.kind for subject in subjects}):
        hold = handler_of(kind).hold
        if hold is not None:
            hold([subject for subject in subjects if subject.kind == kind], order)


def _clean(order: Order, handler: Handler, by: User) -> Order:
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators decide."))
    if order.act not in handler.acts | {Act.KEEP}:
        known = ", ".join(sorted(handler.acts | {Act.KEEP}))
        raise InvalidInput(_("This can be decided as: %(known)s.") % {"known": known}, field="act")
    rule = clean_rule(order.rule) if order.rule else ""
    if order.act == Act.RATE and order.rating is None:
        raise InvalidInput(_("Choose a rating."), field="rating")
    needs_reason = order.act in {Act.HOLD, Act.REMOVE}
    # What is kept broke no rule: the words of the one that was named would say that it had.
    broken = "" if order.act in {Act.KEEP, Act.RESTORE} else text_of(rule)
    reason = clean_reason(order.reason or broken, required=needs_reason)
    evidence = clean_text(order.evidence, "evidence", most=MAX_EVIDENCE).strip()
    blocks = handler.can_block and order.act == Act.REMOVE
    return replace(
        order,
        rule=rule,
        reason=reason,
        evidence=evidence,
        rating=order.rating if order.act == Act.RATE else None,
        block=order.block and blocks,
        block_alike=order.block_alike and blocks,
        whole=order.whole and handler.can_whole,
    )


def _write(subject: Subject, comment: Comment | None, order: Order, case: Case | None, by: User) -> Decision:
    decision = Decision.objects.create(
        act=order.act,
        actor=by,
        case=case,
        subject=subject,
        comment=comment,
        owner=_owner(subject, comment),
        kind=kind_of(subject, comment),
        title=subject.title,
        address=f"{subject.address}#comment-{comment.pk}" if comment else subject.address,
        rule=order.rule,
        reason=order.reason,
        evidence=order.evidence,
        whole=order.whole,
        rating_after=None if order.rating is None else int(order.rating),
    )
    if order.act != Act.KEEP:
        before = handler_of(decision.kind).apply(subject, comment, decision, order)
        if before is not None:
            decision.rating_before = before
            decision.save(update_fields=["rating_before"])
        _tell_owner(decision)
    if case is not None:
        _close(case, decision)
    return decision


def _close(case: Case, decision: Decision) -> None:
    """The case is decided; its reporters hear how, without the thing's name: it may be gone from where they saw it."""
    case.closed_at = timezone.now()
    case.save(update_fields=["closed_at"])
    people = [report.reporter for report in case.reports.exclude(reporter=None).select_related("reporter")]
    notify(
        Notice.Kind.DECISION,
        to=[person for person in people if person not in {decision.owner, decision.actor}],
        subject=None,
        actor=None,
        params={"act": decision.act, "reported": True},
        event=f"decision:{decision.pk}:reporters",
    )


def _tell_owner(decision: Decision) -> None:
    """The notice leads to the decision, with its rule, its reason and the appeal."""
    if decision.owner is None or decision.owner_id == decision.actor_id:
        return
    notify(
        Notice.Kind.DECISION,
        to=[decision.owner],
        subject=decision.subject if decision.comment_id is None else None,
        actor=None,
        params={
            "act": decision.act,
            "name": decision.reason,
            "title": decision.title,
            "address": decision.get_absolute_url(),
        },
        event=f"decision:{decision.pk}",
        gather=str(decision.pk),
    )


def _owner(subject: Subject, comment: Comment | None) -> User | None:
    return comment.author if comment is not None else subject.owner


def others_keep_order(by: User) -> bool:
    """Whether somebody else could decide instead."""
    keepers = User.objects.filter(role__in=[User.Role.MODERATOR, User.Role.OPERATOR], is_active=True)
    return keepers.exclude(pk=by.pk).exists()
