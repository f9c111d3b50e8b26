"""Addresses of models and of the site's own pages. `/{owner}/{name}` comes last: it would swallow the others."""

from django.urls import path
from django.views.i18n import set_language

from registry.views import pages, parts

app_name = "registry"
urlpatterns = [
    path("settings/theme", pages.set_theme, name="set-theme"),
    path("uploads/<uuid:upload_id>/parts/<int:number>", parts.receive, name="part"),
    path("i18n/setlang", set_language, name="set-language"),
]
