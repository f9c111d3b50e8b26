"""Where allauth asks how this site wants it."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from community.errors import InvalidInput, RateLimited
from community.models import User
from community.services.accounts import check_signup_name
from community.services.closing import closed_address
from community.services.limits import client_address

# How long allauth remembers failed logins of one name (`ACCOUNT_RATE_LIMITS`, "login_failed").
_FAILED_LOGINS_FORGOTTEN_AFTER = 300


class AccountAdapter(DefaultAccountAdapter):
    """Names by our rules, our words, our addresses behind proxies, and refusals that say when to come back."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": gettext_lazy("This account is shut."),
        "duplicate_email": gettext_lazy("This e-mail address is yours already."),
        "email_taken": gettext_lazy("Somebody here has this e-mail address already."),
        "email_password_mismatch": gettext_lazy("The name or address and the password do not belong together."),
        "username_password_mismatch": gettext_lazy("The name or address and the password do not belong together."),
        "enter_current_password": gettext_lazy("This is not your present password."),
        "incorrect_password": gettext_lazy("This is not your password."),
        "incorrect_code": gettext_lazy("This code is not right, or too old."),
        "invalid_password_reset": gettext_lazy("This way to a new password is not valid any more."),
        "max_email_addresses": gettext_lazy("You can have at most %d e-mail addresses."),
        "too_many_login_attempts": gettext_lazy("Too many failed logins. Try again in five minutes."),
        "unverified_primary_email": gettext_lazy("Confirm the address first."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGNUP != "closed"

    def clean_username(self, username: str, shallow: bool = False) -> str:
        try:
            check_signup_name(username)
        except InvalidInput as refusal:
            raise ValidationError(refusal.detail, code=refusal.code) from None
        return username

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """A name under attack is answered as every other limit is, with 429 and a time."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            detail = _("Too many failed logins. Try again in five minutes.")
            raise RateLimited(detail, retry_after=_FAILED_LOGINS_FORGOTTEN_AFTER) from None

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "unknown"

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Name and password are right, and the account is closed: why, and where to appeal. Nobody is signed in."""
        address = closed_address(user)
        return redirect(address) if address else super().respond_user_inactive(request, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """The page after the login is written in the person's language."""
        response = super().post_login(request, user, **kwargs)
        remember_language(response, user.language)
        return response


class SecondStepAdapter(DefaultMFAAdapter):
    def build_totp_svg(self, url: str) -> str:
        """The sign that a phone reads, on white: in the dark theme the page would show through it."""
        head, end, rest = super().build_totp_svg(url).partition("<path")
        return f'{head}<rect width="100%" height="100%" fill="#fff"/>{end}{rest}'


def remember_language(response: HttpResponse, language: str) -> None:
    """Have the next pages written in `language`; empty leaves what the browser has."""
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=365 * 86400,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
