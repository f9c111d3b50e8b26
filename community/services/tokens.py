"""Keys for programs: made once, shown once, kept as digests."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import ApiToken, User

PREFIX = "slt_"
HINT_LENGTH = 10
MAX_LENGTH = 100
MAX_TOKENS = 100
USE_NOTED_EVERY = timedelta(minutes=1)


def create_token(
    user: User, name: str, scopes: Iterable[str], *, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token that acts for `user` within `scopes`. The plain token is returned this once and never again.

    Raises InvalidInput (name, scopes, expires_at) and Conflict when the person has too many.
    """
    name = name.strip()
    if not name or len(name) > 80 or "\0" in name:
        raise InvalidInput(_("Give the token a name of 1 to 80 characters."), field="name")
    chosen = _known_scopes(scopes)
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput(_("The day must lie ahead."), field="expires_at")
    if ApiToken.objects.usable().filter(user=user).count() >= MAX_TOKENS:
        raise Conflict(_("You have %(most)d tokens. Revoke one first.") % {"most": MAX_TOKENS}, code="too_many_tokens")
    plain = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, name=name, scopes=chosen, hint=plain[:HINT_LENGTH], digest=_digest(plain), expires_at=expires_at
    )
    return token, plain


def _known_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = {scope.strip() for scope in scopes} - {""}
    unknown = sorted(wanted - set(ApiToken.Scope.values))
    if unknown or not wanted:
        known = ", ".join(ApiToken.Scope.values)
        raise InvalidInput(_("Choose at least one of these scopes: %(known)s.") % {"known": known}, field="scopes")
    return [scope for scope in ApiToken.Scope.values if scope in wanted]


def revoke_token(token: ApiToken) -> None:
    """End a token at once. Ending it twice changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def find_token(plain: str) -> ApiToken | None:
    """The usable token that `plain` is, with its person, or None."""
    if not plain.startswith(PREFIX) or len(plain) > MAX_LENGTH:
        return None
    return ApiToken.objects.usable().select_related("user").filter(digest=_digest(plain)).first()


def note_use(token: ApiToken) -> None:
    """Remember that a token was used just now: one write a minute, however often it is used."""
    now = timezone.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _digest(plain: str) -> str:
    # The token holds 256 random bits: nothing to guess, so a fast digest without salt is enough.
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()
