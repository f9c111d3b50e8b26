"""Back to where a form stood."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme


def back_to(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """The page that the form's `next` names, if it is one of this site; else `otherwise`."""
    asked = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(asked, allowed_hosts=None, require_https=bool(settings.SITE_URL))
    return HttpResponseRedirect(asked if own and asked.startswith("/") else otherwise)
