"""Back to where a form stood."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme


def back_to(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """The page that the form's `next` names, if it is one of this site; else `otherwise`."""
    return HttpResponseRedirect(own_place(request.POST.get("next", ""), otherwise))


def came_from(request: HttpRequest, otherwise: str) -> str:
    """What a form's `next` should name: what it named before, else the page whose link led to the form."""
    parts = urlsplit(request.headers.get("Referer", ""))
    here = parts.netloc == request.get_host() and parts.path != request.path
    led = urlunsplit(("", "", parts.path, parts.query, "")) if here else ""
    return own_place(request.POST.get("next", led), otherwise)


def own_place(asked: str, otherwise: str) -> str:
    """An address if it is a place of this site, else `otherwise`."""
    own = url_has_allowed_host_and_scheme(asked, allowed_hosts=None, require_https=bool(settings.SITE_URL))
    return asked if own and asked.startswith("/") else otherwise
