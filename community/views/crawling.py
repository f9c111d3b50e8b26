"""What search engines ask for first: where they may look, and what there is."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import conditional_page, require_safe

from community.feeds import ANYBODY
from community.models import Topic
from community.sitemaps import Place, Sitemap, index_document, part_of, parts_of, sitemap_document

_CACHE = "public, max-age=3600"
_MOST_DIGITS = 15

TOPICS = Sitemap(
    rows=lambda: Topic.objects.visible_to(ANYBODY),
    places=lambda rows: [Place(*row) for row in rows.values_list("subject__address", "spoken_at")],
)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """`/robots.txt` (RFC 9309). Where one signs in to look, there is nothing to look for."""
    lines = ["User-agent: *"]
    if settings.LOGIN_TO_LOOK:
        lines.append("Disallow: /")
    else:
        lines += [f"Disallow: {path}" for path in settings.NOT_FOR_ROBOTS]
        lines += ["", f"Sitemap: {request.build_absolute_uri(reverse('community:sitemap'))}"]
    return _kept(HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8"))


@require_safe
@conditional_page
def sitemap(request: HttpRequest) -> HttpResponse:
    """`/sitemap.xml` names the files; `?of={kind}&part={number}` is one of them."""
    if settings.LOGIN_TO_LOOK:
        raise Http404
    kind = request.GET.get("of", "")
    body = _part(request, kind) if kind else _index(request)
    return _kept(HttpResponse(body, content_type="application/xml; charset=utf-8"))


def _index(request: HttpRequest) -> bytes:
    base = request.build_absolute_uri(reverse("community:sitemap"))
    parts = [(kind, part) for kind in settings.SITEMAPS for part in parts_of(_source(kind).rows())]
    return index_document(f"{base}?{urlencode({'of': kind, 'part': part})}" for kind, part in parts)


def _part(request: HttpRequest, kind: str) -> bytes:
    source, number = _source(kind), request.GET.get("part", "")
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        raise Http404
    places = list(source.places(part_of(source.rows(), int(number))))
    if not places:
        raise Http404
    return sitemap_document(places, request.build_absolute_uri("/").rstrip("/"))


def _source(kind: str) -> Sitemap:
    if kind not in settings.SITEMAPS:
        raise Http404
    return import_string(settings.SITEMAPS[kind])


def _kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = _CACHE
    return response
