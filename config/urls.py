"""The site map. The apps' own pages come last, the registry's very last: `/{owner}` would swallow the others."""

from django.urls import include, path

from community.views.people import profile
from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("community.account_urls")),
    path("accounts/", include("allauth.urls")),
    path("api/safelight/v1/", include("config.api_urls")),
    path("", include("inference.urls")),
    path("", include("community.urls")),
    path("", include("gallery.urls")),
    path("", include("registry.urls")),
    # People whose name is one of the site's own words: whatever no room above answers.
    path("<str:name>", profile),
]

handler404 = "community.views.refusals.not_found"
handler500 = "community.views.refusals.fault"
handler429 = "community.views.refusals.too_many_requests"
