"""Who comes in, under which name, and what they may do here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Invitation, ModerationAct, User
from community.names import is_reserved, validate_owner_name

INVITATION_LASTS = timedelta(days=14)
MAX_OPEN_INVITATIONS = 50


def check_signup_name(name: str) -> None:
    """Refuse a name that a newcomer may not take: malformed, the site's own, or somebody's in any case of letters.

    Raises InvalidInput (username).
    """
    try:
        validate_owner_name(name)
    except ValidationError as error:
        raise InvalidInput(error.messages[0], code="invalid_name", field="username") from None
    if is_reserved(name):
        raise InvalidInput(_("This name belongs to the site. Choose another."), code="reserved_name", field="username")
    if User.objects.filter(username__iexact=name).exists():
        raise InvalidInput(_("A person with that name already exists."), code="name_taken", field="username")


def create_person(
    name: str, *, password: str | None = None, email: str = "", display_name: str = "", role: str = User.Role.MEMBER
) -> User:
    """Make a person of any well-formed name, reserved ones too. Without a password nobody can sign in as them.

    Raises InvalidInput (username, password, …) and Conflict when the name is taken in any case of letters.
    """
    user = User(username=name, email=email, display_name=display_name, role=role)
    try:
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.clean_fields()
    except ValidationError as error:
        field, messages = _first_error(error)
        raise InvalidInput(messages[0], field=field) from None
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(_("A person with that name already exists."), code="name_taken", field="username") from None
    return user


def _first_error(error: ValidationError) -> tuple[str, list[str]]:
    if hasattr(error, "error_dict"):
        return next(iter(error.message_dict.items()))
    return "password", error.messages


def create_owner(name: str, password: str) -> User:
    """Make the person who runs the site. Raises as `create_person` does."""
    return create_person(name, password=password, role=User.Role.OPERATOR)


@transaction.atomic
def set_role(user: User, role: str, *, by: User) -> User:
    """Give a person a role. Only operators do, and the last of them stays one.

    Raises NotAllowed, InvalidInput (role) and Conflict.
    """
    if not by.is_operator:
        raise NotAllowed(_("Only operators change roles."))
    if role not in User.Role.values:
        raise InvalidInput(_("There is no such role."), field="role")
    # All operators are locked, in one order: two of them cannot step down at the same moment.
    operators = list(User.objects.select_for_update().filter(role=User.Role.OPERATOR, is_active=True).order_by("pk"))
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.role == role:
        return user
    if operators == [user]:
        raise Conflict(_("A site needs an operator. Make somebody else one first."), code="last_operator")
    former, user.role = user.role, role
    user.save(update_fields=["role"])
    ModerationAct.objects.create(
        actor=by,
        act="person.role",
        target=f"person:{user.pk}",
        title=user.username,
        evidence={"from": former, "to": role},
    )
    return user


def may_invite(user: User) -> bool:
    """Whether this person may let others in, as `settings.INVITERS` says."""
    if settings.SIGNUP != "invite" or not (user.is_authenticated and user.is_active):
        return False
    return {"operator": user.is_operator, "moderator": user.is_moderator, "member": True}[settings.INVITERS]


def create_invitation(*, by: User, note: str = "") -> tuple[Invitation, str]:
    """Make a single-use way in. The code is returned this once; only its digest is kept.

    Raises NotAllowed, InvalidInput (note) and Conflict when too many of theirs are open.
    """
    if not may_invite(by):
        raise NotAllowed(_("You cannot invite people here."))
    note = note.strip()
    if len(note) > 200 or "\0" in note:
        raise InvalidInput(_("A note has at most 200 characters."), field="note")
    if Invitation.objects.open().filter(created_by=by).count() >= MAX_OPEN_INVITATIONS:
        raise Conflict(_("You have too many open invitations. Take one back first."), code="too_many_invitations")
    code = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        digest=_digest(code), created_by=by, note=note, expires_at=timezone.now() + INVITATION_LASTS
    )
    return invitation, code


def find_invitation(code: str) -> Invitation | None:
    """The open invitation that `code` belongs to, or None."""
    if not 0 < len(code) <= 100:
        return None
    return Invitation.objects.open().filter(digest=_digest(code)).first()


def redeem_invitation(code: str, user: User) -> None:
    """Use an invitation up for `user`. Of two who come with the same one, the second is refused.

    Raises InvalidInput (invitation). Belongs inside the transaction that makes the person.
    """
    now = timezone.now()
    if not Invitation.objects.open().filter(digest=_digest(code)).update(used_by=user, used_at=now):
        raise InvalidInput(
            _("This invitation is not known, was used or has expired."), code="bad_invitation", field="invitation"
        )


def withdraw_invitation(invitation: Invitation) -> None:
    """Take back one that nobody used yet. A used one stays: it says who let whom in."""
    Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True).delete()


def _digest(code: str) -> str:
    # The code holds 192 random bits: nothing to guess.
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()
