"""The way in: allauth's own pages, with limits that say when to come back."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView, SignupView
from django.http import HttpRequest, HttpResponseBase

from community.services.limits import address_key, check_rate


class LimitedLogin(LoginView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            check_rate("login", address_key(request))
        return super().dispatch(request, *args, **kwargs)


class LimitedSignup(SignupView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            check_rate("signup", address_key(request))
        return super().dispatch(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        """An invitation's address carries its code."""
        return {**super().get_initial(), "invitation": self.request.GET.get("invitation", "")[:100]}
