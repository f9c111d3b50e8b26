"""The first page, and models as a list that words, filters and order choose from. All of its state is the address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from community.models import User
from community.services.following import find_subject
from registry.forms import RIGHT_WORDS
from registry.models import ModelSearch
from registry.search import FacetValue, ModelQuery, SearchPage, find_by_hash, search_models
from registry.views.cards import Card, cards_of
from registry.views.feeds import models_feed_address

_ON_FIRST_PAGE = 12
_ON_PROFILE = 24


@dataclass(frozen=True)
class Link:
    """A chip that leads to the same list, changed."""

    label: str
    href: str
    chosen: bool = False


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is new and what many took; on an empty site, how to begin."""
    newest, most_downloaded = (
        _cards(request, search_models(ModelQuery(sort=sort), request.user, size=_ON_FIRST_PAGE))
        for sort in ("newest", "downloads")
    )
    return render(request, "registry/home.html", {"newest": newest, "most_downloaded": most_downloaded})


@require_safe
@vary_on_headers("HX-Request")
def model_list(request: HttpRequest) -> HttpResponse:
    """`/models`: a pasted hash that leads anywhere goes to its page; a script gets the next cards alone."""
    query = ModelQuery.from_params(request.GET)
    if query.pasted_hash and not find_by_hash(query.pasted_hash, request.user).is_empty:
        return redirect("registry:hash", query.pasted_hash)
    page = search_models(query, request.user)
    context: dict[str, Any] = {
        "cards": _cards(request, page),
        "next_href": _address(query.changed(cursor=page.next_cursor)) if page.next_cursor else "",
        "first_page": not query.cursor,
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "registry/_model_grid.html", context)
    context |= {
        "words": query.q,
        "facets": _facets(page),
        "kept": [(name, value) for name, value in query.to_params() if name in ("q", "sort")],
        "sorts": _sorts(query),
        "chips": _chips(query, page),
        "filtered": bool(query.to_params()),
        "total_text": _total_text(page),
        "corrected": ", ".join(page.spellings),
        "hidden": page.hidden,
        "tag": query.tags[0] if len(query.tags) == 1 else "",
        "feed_href": models_feed_address(query),
    }
    if context["tag"]:
        context["tag_subject"] = find_subject("tags", context["tag"], AnonymousUser())
    return render(request, "registry/model_list.html", context)


def owner_panel(request: HttpRequest, person: User) -> SafeString | None:
    """A person's public models, for their page (`settings.PROFILE_PANELS`)."""
    query = ModelQuery(q=f"@{person.username}", sort="newest")
    page = search_models(query, request.user, size=_ON_PROFILE)
    context = {
        "cards": _cards(request, page),
        "person": person,
        "total_text": _total_text(page),
        "all_href": _address(query) if page.next_cursor else "",
        "hidden": page.hidden,
    }
    return render_to_string("registry/_owner_models.html", context, request=request)


def owner_figures(person: User) -> list[tuple[int, str]]:
    """How many public models somebody has, and how often they were taken (`settings.PROFILE_FIGURES`)."""
    rows = ModelSearch.objects.filter(owner=person).aggregate(models=Count("pk"), downloads=Sum("downloads"))
    models, downloads = rows["models"], rows["downloads"] or 0
    return [(models, ngettext("model", "models", models)), (downloads, ngettext("download", "downloads", downloads))]


def _cards(request: HttpRequest, page: SearchPage) -> list[Card]:
    return cards_of(page.results, request.user)


def _address(query: ModelQuery) -> str:
    params = query.to_query_string()
    return reverse("registry:models") + (f"?{params}" if params else "")


def _facets(page: SearchPage) -> list[dict[str, Any]]:
    return [
        {"name": "type", "title": _("Type"), "choices": page.facets.types},
        {"name": "base_model", "title": _("Base model"), "choices": page.facets.base_models},
        {"name": "right", "title": _("You may"), "choices": _rights(page)},
        {"name": "tag", "title": _("Tags"), "choices": page.facets.tags},
    ]


def _rights(page: SearchPage) -> list[FacetValue]:
    """Uses that the hits allow, in the order and the words of a model's page."""
    found = {value.value: value for value in page.facets.rights}
    return [replace(found[right], label=str(words)) for right, words in RIGHT_WORDS.items() if right in found]


def _sorts(query: ModelQuery) -> list[Link]:
    labels = {"downloads": _("Most downloaded"), "newest": _("Newest"), "updated": _("Recently updated")}
    if query.asked.terms:
        labels = {"relevance": _("Best match"), **labels}
    return [Link(label, _address(query.changed(sort=sort)), sort == query.sort_used) for sort, label in labels.items()]


def _chips(query: ModelQuery, page: SearchPage) -> list[Link]:
    """Every condition of the list, each a link to the list without it."""
    words = [Link(f"“{query.q}”", _address(query.changed(q="", sort="")))] if query.q else []
    base = reverse("registry:models")
    chosen = [
        Link(value.label, f"{base}?{value.query_string}" if value.query_string else base)
        for values in (page.facets.types, page.facets.base_models, _rights(page), page.facets.tags)
        for value in values
        if value.is_chosen
    ]
    return words + chosen


def _total_text(page: SearchPage) -> str:
    return ngettext("%(count)s model", "%(count)s models", page.count) % {"count": page.count_text}
