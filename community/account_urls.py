"""The two of allauth's pages that this app stands in front of; the rest of them is allauth's own."""

from django.urls import path

from community.views.accounts import LimitedLogin, LimitedSignup

urlpatterns = [
    path("login/", LimitedLogin.as_view(), name="account_login"),
    path("signup/", LimitedSignup.as_view(), name="account_signup"),
]
