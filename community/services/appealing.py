"""Appeals: the owner of a thing asks for another look, and somebody other than the first moderator takes it."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import Appeal, Decision, Notice, User
from community.ratings import Rating
from community.services.deciding import Act, Order, decide, others_keep_order
from community.services.limits import check_rate
from community.services.notifications import notify
from community.services.texts import clean_reason, clean_text

MAX_TEXT: Final = 1_000


@transaction.atomic
def appeal(decision: Decision, *, by: User, text: str = "") -> Appeal:
    """Ask for another look at a decision about one's own. Once a decision; asking again changes nothing.

    Raises NotAllowed, Conflict for what took nothing away, InvalidInput (text), RateLimited.
    """
    if decision.owner_id != by.pk:
        raise NotAllowed(_("Only the owner of the thing may appeal."))
    if not decision.can_be_appealed:
        raise Conflict(_("This decision took nothing from you."), code="not_appealable")
    text = clean_text(text, "text", most=MAX_TEXT).replace("\r\n", "\n").strip()
    if known := Appeal.objects.filter(decision=decision).first():
        return known
    check_rate("report", f"user:{by.pk}")
    made, _new = Appeal.objects.get_or_create(decision=decision, defaults={"person": by, "text": text})
    return made


@transaction.atomic
def settle_appeal(found: Appeal, *, overturn: bool, by: User, answer: str = "") -> Appeal:
    """Let a decision stand, or undo it. Whoever decided first settles only where nobody else keeps order.

    Undoing restores the thing, or its former rating, unless a later decision about it stands in between. Raises
    NotAllowed, InvalidInput (answer), Conflict where somebody has settled it.
    """
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators decide."))
    answer = clean_reason(answer, required=False)
    held = Appeal.objects.select_for_update(no_key=True, of=("self",)).select_related("person").get(pk=found.pk)
    decision = Decision.objects.select_related("subject__owner", "comment__author").get(pk=held.decision_id)
    if held.state != Appeal.State.OPEN:
        raise Conflict(_("Somebody has decided this meanwhile."), code="decided")
    if by.pk in {decision.actor_id, held.person_id} and others_keep_order(by):
        raise NotAllowed(_("Another moderator decides about this appeal."), code="own_decision")
    if overturn and decision.subject is not None and _is_latest(decision):
        decide(decision.subject, _undoing(decision, answer), by=by, comment=decision.comment)
    held.state = Appeal.State.OVERTURNED if overturn else Appeal.State.UPHELD
    held.answer, held.decided_by, held.decided_at = answer, by, timezone.now()
    held.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    _tell(held, decision)
    return held


def _undoing(decision: Decision, answer: str) -> Order:
    if decision.act == Act.RATE and decision.rating_before is not None:
        return Order(Act.RATE, reason=answer, rating=Rating(decision.rating_before), undoes=decision.pk)
    return Order(Act.RESTORE, reason=answer, whole=decision.whole, undoes=decision.pk)


def _is_latest(decision: Decision) -> bool:
    """Whether nothing was decided about the thing since that would be undone along with it."""
    since = Decision.objects.filter(subject=decision.subject, comment=decision.comment, pk__gt=decision.pk)
    return not since.exclude(act=Act.KEEP).exists()


def _tell(settled: Appeal, decision: Decision) -> None:
    notify(
        Notice.Kind.DECISION,
        to=[settled.person],
        subject=None,
        actor=None,
        params={
            "act": settled.state,
            "name": settled.answer,
            "title": decision.title,
            "address": decision.get_absolute_url(),
        },
        event=f"appeal:{settled.pk}",
    )
