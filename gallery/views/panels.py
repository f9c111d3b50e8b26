"""What the gallery adds to other rooms' pages: a person's pictures, and what people made with a version."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from community.models import User
from community.ratings import bits_of, browsing_level_of
from gallery.models import Image, ImageSearch
from gallery.search import ImageQuery, hidden_images, search_images
from gallery.views.shapes import cards_of
from registry.models import ModelVersion

_ON_PROFILE = 12
_ON_VERSION = 12


def owner_images(request: HttpRequest, person: User) -> SafeString | str:
    """A person's public images within the viewer's level (`settings.PROFILE_PANELS`); nothing where there is none."""
    query = ImageQuery(owner=person.username)
    page = search_images(query, request.user, size=_ON_PROFILE)
    if not page.results and not page.hidden:
        return ""
    context = {
        "cards": cards_of(page.results, query.to_query_string(sort=True)),
        "person": person,
        "total_text": page.count_text,
        "hidden": page.hidden,
        "all_href": f"{reverse('gallery:images')}?{query.to_query_string()}" if page.next_cursor else "",
    }
    return render_to_string("gallery/_owner_images.html", context, request)


def version_images(request: HttpRequest, version: ModelVersion) -> SafeString | str:
    """What people made with a version, its author's own first (`settings.MODEL_PANELS`)."""
    level = bits_of(browsing_level_of(request.user))
    rows = ImageSearch.objects.filter(version_ids__contains=[version.pk], rating__in=level)
    rows = rows.exclude(hidden_images(request.user))
    newest = ("-published_at", "-image_id")
    own = list(rows.filter(owner=version.model.owner_id).order_by(*newest).values_list("pk", flat=True)[:_ON_VERSION])
    others = rows.exclude(owner=version.model.owner_id).order_by(*newest).values_list("pk", flat=True)
    ids = [*own, *others[: _ON_VERSION - len(own)]] if len(own) < _ON_VERSION else own
    found = Image.objects.visible_to(request.user).ready().for_cards().in_bulk(ids)
    query = ImageQuery(version=version.pk)
    context = {
        "cards": cards_of([found[pk] for pk in ids if pk in found], query.to_query_string(sort=True)),
        "all_href": f"{reverse('gallery:images')}?{query.to_query_string()}",
        "post_href": f"{reverse('gallery:post-new')}?{urlencode({'version': version.pk})}",
        "may_post": request.user.is_authenticated,
    }
    return render_to_string("gallery/_version_images.html", context, request)
