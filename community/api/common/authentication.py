"""Who a program is: `Authorization: Bearer TOKEN`."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from community.models import ApiToken, User
from community.services.tokens import find_token, note_use


class TokenAuthentication(BaseAuthentication):
    """Signs in the person whose token the request bears; `request.auth` is then the `ApiToken`.

    A header of another scheme is left to others. A bearer token that is unknown, revoked, past its day or of a
    person who was shut out is refused, never treated as nobody's: a program must not mistake that for an empty site.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _space, given = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        token = find_token(given.strip())
        if token is None:
            raise AuthenticationFailed(_("The token is not known here, was revoked or has expired."))
        note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="api"'
