"""Moderators take models down and put them back. Every act leaves a row."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from community.models import ModerationAct, User
from registry.models import RegisteredModel
from registry.services.guards import require_moderator
from registry.services.listing import lock_model, refresh_listing
from registry.services.wording import clean_reason


@transaction.atomic
def take_down_model(model: RegisteredModel, reason: str, *, by: User) -> RegisteredModel:
    """Hide a model from the public and serve none of its files, whoever asks. Its hashes say why.

    Taking down twice changes nothing. Raises NotAllowed, and InvalidInput without a reason.
    """
    require_moderator(by)
    reason = clean_reason(reason)
    model = lock_model(model)
    if model.taken_down_at is not None:
        return model
    model.taken_down_at, model.taken_down_reason = timezone.now(), reason
    return _note_act(model, "model.take_down", reason, by)


@transaction.atomic
def restore_model(model: RegisteredModel, reason: str, *, by: User) -> RegisteredModel:
    """Undo a taking down. Restoring what stands changes nothing.

    Raises NotAllowed, and InvalidInput without a reason.
    """
    require_moderator(by)
    reason = clean_reason(reason)
    model = lock_model(model)
    if model.taken_down_at is None:
        return model
    model.taken_down_at, model.taken_down_reason = None, ""
    return _note_act(model, "model.restore", reason, by)


def _note_act(model: RegisteredModel, act: str, reason: str, by: User) -> RegisteredModel:
    model.save(update_fields=["taken_down_at", "taken_down_reason"])
    ModerationAct.objects.create(actor=by, act=act, target=f"model:{model.pk}", title=model.title, reason=reason)
    return refresh_listing(model)
