"""Moderators take models down and put them back. Every act leaves a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import Appeal, Comment, Decision, ModerationAct, Subject, User
from community.services.blocking import block
from community.services.deciding import Act, Handler, Order, decide
from community.services.discussion import update_subject
from registry.models import ModelFile, RegisteredModel, Review
from registry.policies import is_public
from registry.services.guards import require_moderator
from registry.services.listing import lock_model, refresh_listing
from registry.services.reviewing import count_reviews


def take_down_model(model: RegisteredModel, reason: str, *, by: User) -> RegisteredModel:
    """Hide a model from the public and serve none of its files, whoever asks. Its hashes say why.

    Taking down twice changes nothing. Raises NotAllowed, and InvalidInput without a reason.
    """
    return _decide(model, Order(Act.REMOVE, reason=reason), by)


def restore_model(model: RegisteredModel, reason: str, *, by: User) -> RegisteredModel:
    """Undo a taking down. Restoring what stands changes nothing. Raises NotAllowed."""
    return _decide(model, Order(Act.RESTORE, reason=reason), by)


def _decide(model: RegisteredModel, order: Order, by: User) -> RegisteredModel:
    require_moderator(by)
    known = RegisteredModel.objects.select_related("subject", "owner").get(pk=model.pk)
    if (order.act == Act.REMOVE) != (known.taken_down_at is not None):
        decide(known.subject, order, by=by)
    return RegisteredModel.objects.select_related("subject", "owner").get(pk=model.pk)


def decide_model(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> int | None:
    """For `settings.MODERATION_HANDLERS`: a model is taken down, put back, or rated. Gives back a former rating."""
    found = RegisteredModel.objects.filter(subject=subject).first()
    if found is None:
        raise Conflict(_("This model is gone."), code="gone")
    model = lock_model(found)
    if order.act == Act.RATE:
        return _rate(model, decision, order)
    _take_down_or_restore(model, decision, order)
    return None


def _rate(model: RegisteredModel, decision: Decision, order: Order) -> int:
    """Declare a rating that the author makes stricter only; where an appeal undoes a decision, as before that one."""
    before = model.declared_rating
    model.declared_rating = int(order.rating or 0)
    model.least_rating = model.declared_rating if order.undoes is None else _rated_before(decision, order.undoes)
    model.declared_rating = max(model.declared_rating, model.least_rating)
    model.save(update_fields=["declared_rating", "least_rating"])
    _note(model, decision, "model.rate")
    refresh_listing(model)
    return before


def _rated_before(decision: Decision, undone: int) -> int:
    """What moderators had decided before a decision that is undone now; 0 where nothing."""
    rated = Decision.objects.filter(subject=decision.subject_id, act=Act.RATE, pk__lt=undone)
    standing = rated.exclude(appeal__state=Appeal.State.OVERTURNED).order_by("-pk").first()
    return (standing.rating_after or 0) if standing else 0


def _note(model: RegisteredModel, decision: Decision, act: str) -> None:
    ModerationAct.objects.create(
        actor=decision.actor,
        act=act,
        target=f"model:{model.pk}",
        title=model.title,
        rule=decision.rule,
        reason=decision.reason,
    )


def _take_down_or_restore(model: RegisteredModel, decision: Decision, order: Order) -> None:
    removes = order.act == Act.REMOVE
    if removes == (model.taken_down_at is not None):
        return
    model.taken_down_at, model.taken_down_reason = (timezone.now(), order.reason) if removes else (None, "")
    model.save(update_fields=["taken_down_at", "taken_down_reason"])
    _note(model, decision, "model.take_down" if removes else "model.restore")
    refresh_listing(model)
    if order.block:
        for digest in ModelFile.objects.filter(version__model=model, blob__isnull=False).values_list("blob", flat=True):
            block(decision, sha256=digest)


def decide_review(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """For `settings.MODERATION_HANDLERS`: a review is held, removed or shown again; the totals go with it."""
    rows = Review.objects.select_for_update(no_key=True, of=("self",)).filter(subject=subject)
    review = rows.select_related("version__model", "author").first()
    if review is None:
        raise Conflict(_("This review is gone."), code="gone")
    stood, now = review.stands, timezone.now()
    review.held_at = now if order.act == Act.HOLD else None
    review.removed_at = now if order.act == Act.REMOVE else None
    review.removed_by = decision.actor if order.act == Act.REMOVE else None
    review.removal_reason = "" if review.stands else order.reason
    review.save(update_fields=["held_at", "removed_at", "removed_by", "removal_reason"])
    step = int(review.stands) - int(stood)
    count_reviews(review.version, step, step * int(review.recommended))
    update_subject(subject, is_public=review.stands and is_public(review.version))
    ModerationAct.objects.create(
        actor=decision.actor,
        act=f"review.{order.act}",
        target=f"review:{review.pk}",
        title=str(review.version),
        rule=order.rule,
        reason=order.reason,
        evidence={"author": review.author.username, "text": review.text, "recommended": review.recommended},
    )


def words_of_reviews(subjects: Sequence[int]) -> dict[int, str]:
    """For `settings.MODERATION_WORDS`: what reviews say, by their subjects."""
    return dict(Review.objects.filter(subject__in=subjects).values_list("subject_id", "text"))


REVIEWS: Final = Handler(frozenset({Act.HOLD, Act.REMOVE, Act.RESTORE}), decide_review)
MODELS: Final = Handler(frozenset({Act.REMOVE, Act.RATE, Act.RESTORE}), decide_model, can_block=True)
