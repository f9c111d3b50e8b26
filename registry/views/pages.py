"""Small acts of every page: the theme and the language."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

_THEMES = ("system", "light", "dark")
_A_YEAR = 365 * 86400


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie, from which the next page is written, and go back."""
    chosen = request.POST.get("theme", "")
    if chosen not in _THEMES:
        return HttpResponseBadRequest(
            _("theme: choose system, light or dark."), content_type="text/plain; charset=utf-8"
        )
    response = HttpResponseRedirect(_way_back(request))
    if chosen == "system":
        response.delete_cookie("theme", samesite="Lax")
    else:
        response.set_cookie(
            "theme", chosen, max_age=_A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    return response


def _way_back(request: HttpRequest) -> str:
    """The page that asked, when it is one of this site's."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if ours else "/"
