"""How often a program may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from community.services.limits import caller_key, check_rate

if TYPE_CHECKING:  # the framework loads this module while it loads its own views
    from rest_framework.views import APIView


class RateThrottle(BaseThrottle):
    """Counts by the view's declaration `rates = {"GET": "poll"}`: names of limits in `settings.RATES`.

    Reading is uncounted unless the view says otherwise; writing counts as "write".
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        name = getattr(view, "rates", {}).get(request.method, "" if request.method in SAFE_METHODS else "write")
        if name:
            check_rate(name, caller_key(request))
        return True
