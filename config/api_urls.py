"""Our own API, `/api/safelight/v1/`."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

urlpatterns = [
    path("schema/", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("", include("community.api.urls")),
    path("", include("registry.api.own.urls")),
    path("", include("gallery.api.urls")),
    path("", include("inference.api.own.urls")),
]
