"""Last looks at who acts. Views ask the policies first; a service that changes something asks again."""

from __future__ import annotations

from django.utils.translation import gettext as _

from community.errors import NotAllowed
from community.models import User
from registry.models import RegisteredModel
from registry.policies import can_edit, can_moderate


def require_editor(by: User, model: RegisteredModel) -> None:
    """Raises NotAllowed for anybody but the model's owner."""
    if not can_edit(by, model):
        raise NotAllowed(_("Only the owner of this model may do this."))


def require_moderator(by: User) -> None:
    """Raises NotAllowed for anybody who does not keep order here."""
    if not can_moderate(by):
        raise NotAllowed(_("Only a moderator may do this."))
