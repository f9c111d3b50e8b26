"""Pages, compressed. Downloads and pictures never: they are no smaller for it, and ranges would mean something else."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_WORTH_IT = (
    "text/html",
    "application/json",
    "application/problem+json",
    "application/vnd.oai.openapi",
    "application/atom+xml",
    "application/xml",
)


class CompressPages(GZipMiddleware):
    """Django's own compression, of text that is at hand whole.

    Its answers begin with random filling, so that their length tells nothing about a secret beside a guess (BREACH);
    the CSRF token in forms is masked anew for every answer besides.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.streaming or not kind.startswith(_WORTH_IT):
            return response
        return super().process_response(request, response)
