"""Moderators take models down and put them back. Every act leaves a row."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import Comment, Decision, ModerationAct, Subject, User
from community.services.blocking import block
from community.services.deciding import Act, Handler, Order, decide
from registry.models import ModelFile, RegisteredModel
from registry.services.guards import require_moderator
from registry.services.listing import lock_model, refresh_listing


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


def decide_model(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """For `settings.MODERATION_HANDLERS`: a model is taken down, or put back."""
    found = RegisteredModel.objects.filter(subject=subject).first()
    if found is None:
        raise Conflict(_("This model is gone."), code="gone")
    model = lock_model(found)
    removes = order.act == Act.REMOVE
    if removes == (model.taken_down_at is not None):
        return
    model.taken_down_at, model.taken_down_reason = (timezone.now(), order.reason) if removes else (None, "")
    model.save(update_fields=["taken_down_at", "taken_down_reason"])
    ModerationAct.objects.create(
        actor=decision.actor,
        act="model.take_down" if removes else "model.restore",
        target=f"model:{model.pk}",
        title=model.title,
        rule=order.rule,
        reason=order.reason,
    )
    refresh_listing(model)
    if order.block:
        for digest in ModelFile.objects.filter(version__model=model, blob__isnull=False).values_list("blob", flat=True):
            block(decision, sha256=digest)


MODELS: Final = Handler(frozenset({Act.REMOVE, Act.RESTORE}), decide_model, can_block=True)
