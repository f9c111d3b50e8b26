"""What a program may do: scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from community.errors import NotAllowed
from community.models import ApiToken

if TYPE_CHECKING:  # the framework loads this module while it loads its own views
    from rest_framework.views import APIView


class ScopedPermission(BasePermission):
    """Lets a request through by the view's own declaration:

        scopes = {"GET": "models:read", "POST": "models:write"}   what a token needs, by method
        public_reads = True                                       reading asks for nobody's name

    A person's session holds every scope. A method that names no scope is open to any token for reading and to no
    token for writing, so that a forgotten line shuts a door instead of opening one.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method == "OPTIONS":
            return True
        reads = request.method in SAFE_METHODS
        if not request.user.is_authenticated:
            if reads and getattr(view, "public_reads", False) and not settings.LOGIN_TO_LOOK:
                return True
            raise NotAuthenticated(_("Sign in, or send a token as “Authorization: Bearer TOKEN”."))
        if isinstance(request.auth, ApiToken):
            method = "GET" if request.method == "HEAD" else request.method
            require_scope(request.auth, getattr(view, "scopes", {}).get(method, ""), reads=reads)
        return True


def require_scope(token: ApiToken, scope: str, *, reads: bool) -> None:
    """Refuse a token that does not hold `scope`. Raises NotAllowed, whose `scope` member names it."""
    if not scope:
        if reads:
            return
        raise NotAllowed(_("No token may do this. Sign in on the site."), code="scope_missing")
    if not token.allows(scope):
        raise NotAllowed(
            _("This token lacks the scope “%(scope)s”.") % {"scope": scope},
            code="scope_missing",
            extra={"scope": scope},
        )
