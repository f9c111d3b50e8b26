"""The site map. The apps' own pages come last, the registry's very last: `/{owner}` would swallow the others."""

from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
    path("api/safelight/v1/", include("config.api_urls")),
    path("", include("community.urls")),
    path("", include("registry.urls")),
]
