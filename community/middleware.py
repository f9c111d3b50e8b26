"""What holds for every page of the site."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from community.errors import PROBLEM_TYPE, SafelightError, problem
from community.views.refusals import refusal_answer

Handler = Callable[[HttpRequest], HttpResponse]


class RefusalMiddleware:
    """Answers refusals of services that a view lets pass, and addresses that no database can be asked about."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return refusal_answer(request, SafelightError(_("The address holds a NUL character.")))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refusal_answer(request, exception) if isinstance(exception, SafelightError) else None


class LoginToLookMiddleware:
    """Where `settings.LOGIN_TO_LOOK` holds, nobody sees a page before they have signed in.

    The addresses of `settings.OPEN_TO_ALL` stay open, with all that is below those that end with a slash: the way in,
    the style sheet, the health check, and what signs its own addresses. The APIs stay, too; they ask for a name
    themselves.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.LOGIN_TO_LOOK or request.user.is_authenticated or self._is_open(request.path_info):
            return self.get_response(request)
        if request.method in ("GET", "HEAD"):
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        return JsonResponse(
            problem(401, _("Sign in first."), code="not_authenticated"), status=401, content_type=PROBLEM_TYPE
        )

    @staticmethod
    def _is_open(path: str) -> bool:
        # Only a folder opens what is below it: "/healthz" is no reason to show "/healthz-fan".
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in settings.OPEN_TO_ALL)
