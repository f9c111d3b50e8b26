"""Images as a list that words, filters and order choose from, and each on its page. All state is the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from community.services.following import find_subject
from community.views.comments import thread_of
from gallery import policies
from gallery.models import Image
from gallery.search import ImagePage, ImageQuery, count_text, search_images, walk_images
from gallery.services.from_renders import was_rendered_here
from gallery.services.listing import title_of
from gallery.services.publishing import reading_of
from gallery.services.workflows import has_workflow, text_of
from gallery.views import linked
from gallery.views.feeds import images_feed_address
from gallery.views.shapes import cards_of, shown_facts, shown_resources
from registry.models import ModelVersion, RegisteredModel
from registry.templatetags.safelight import base_label

_SORTS = ("newest", "reactions", "comments")


@dataclass(frozen=True)
class Link:
    """A chip that leads to the same list, changed."""

    label: str
    href: str
    chosen: bool = False


@require_safe
@vary_on_headers("HX-Request")
def image_list(request: HttpRequest) -> HttpResponse:
    """`/images`; a script gets the next cards alone."""
    query = ImageQuery.from_params(request.GET)
    is_fragment = bool(request.htmx) and not request.htmx.boosted
    page = search_images(query, request.user, counted=not is_fragment)
    context: dict[str, Any] = {
        "cards": cards_of(page.results, query.to_query_string(sort=True)),
        "next_href": _address(query.changed(cursor=page.next_cursor)) if page.next_cursor else "",
        "first_page": not query.cursor,
    }
    if is_fragment:
        return render(request, "gallery/_image_grid.html", context)
    context |= {
        "words": query.q,
        "facets": _facets(query, page),
        "kept": [(name, value) for name, value in query.to_params() if name not in ("tag", "base_model", "cursor")],
        "sorts": _sorts(query),
        "periods": _periods(query),
        "chips": _chips(request, query),
        "filtered": query.is_narrowed,
        "total_text": ngettext("%(count)s image", "%(count)s images", page.count) % {"count": page.count_text},
        "hidden": page.hidden,
        "hidden_text": count_text(page.hidden),
        "feed_href": images_feed_address(query),
        "tag": query.tags[0] if len(query.tags) == 1 else "",
    }
    if context["tag"]:
        context["tag_subject"] = find_subject("tags", context["tag"], AnonymousUser())
    return render(request, "gallery/image_list.html", context)


def _address(query: ImageQuery) -> str:
    text = query.to_query_string()
    return f"{reverse('gallery:images')}?{text}" if text else reverse("gallery:images")


def _sorts(query: ImageQuery) -> list[Link]:
    labels = {"newest": _("Newest"), "reactions": _("Most reactions"), "comments": _("Most comments")}
    return [Link(labels[sort], _address(query.changed(sort=sort)), sort == query.sort_used) for sort in _SORTS]


def _periods(query: ImageQuery) -> list[Link]:
    labels = {"day": _("Day"), "week": _("Week"), "month": _("Month"), "year": _("Year"), "": _("All time")}
    return [Link(label, _address(query.changed(period=name)), name == query.period) for name, label in labels.items()]


def _facets(query: ImageQuery, page: ImagePage) -> list[dict[str, Any]]:
    bases = {each.value: each.count for each in page.base_models}
    tags = {each.value: each.count for each in page.tags}
    chosen = {name.lower() for name in query.tags}
    known = {name.lower() for name in tags}
    tags |= {name: 0 for name in query.tags if name.lower() not in known}
    bases |= {name: 0 for name in query.base_models if name not in bases}
    return [
        {
            "name": "base_model",
            "title": _("Base model"),
            "choices": [
                {
                    "value": key,
                    "label": base_label(key),
                    "count_text": count_text(n),
                    "chosen": key in query.base_models,
                }
                for key, n in bases.items()
            ],
        },
        {
            "name": "tag",
            "title": _("Tags"),
            "choices": [
                {"value": key, "label": key, "count_text": count_text(n), "chosen": key.lower() in chosen}
                for key, n in tags.items()
            ],
        },
    ]


def _chips(request: HttpRequest, query: ImageQuery) -> list[Link]:
    """Every condition of the list, each a link to the list without it."""
    chips = [Link(f"“{query.q}”", _address(query.changed(q="")))] if query.q else []
    shown = ModelVersion.objects.visible_to(request.user).within_level_of(request.user)
    for version in shown.filter(pk=query.version).select_related("model"):
        label = _("Made with %(name)s") % {"name": f"{version.model.title} {version.name}"}
        chips.append(Link(label, _address(query.changed(version=None))))
    for model in RegisteredModel.objects.visible_to(request.user).filter(pk=query.model):
        label = _("Made with %(name)s") % {"name": model.title}
        chips.append(Link(label, _address(query.changed(model=None))))
    if query.owner:
        chips.append(Link(_("By %(name)s") % {"name": query.owner}, _address(query.changed(owner=""))))
    for tag in query.tags:
        rest = tuple(name for name in query.tags if name != tag)
        chips.append(Link(f"#{tag}", _address(query.changed(tags=rest))))
    for base in query.base_models:
        rest = tuple(name for name in query.base_models if name != base)
        chips.append(Link(base_label(base), _address(query.changed(base_models=rest))))
    return chips


@require_safe
def image_page(request: HttpRequest, image_id: int) -> HttpResponse:
    """One image. The query string says in which list it is walked; without one, in its post."""
    image = get_object_or_404(Image.objects.visible_to(request.user).for_display(), pk=image_id)
    told = image.told if policies.can_see_generation(request.user, image) else {}
    reading = reading_of(image)
    title = title_of(image)
    context = {
        "image": image,
        "title": title,
        "told": told,
        "facts": shown_facts(told),
        "copied_text": text_of(told) if told else "",
        "hides": image.keeps_generation_to_itself,
        "resources": shown_resources(image, request.user) if told or not image.keeps_generation_to_itself else [],
        "workflow": bool(told) and has_workflow(reading),
        "can_edit": policies.can_edit_post(request.user, image.post),
        "reproducible": bool(told) and not image.is_edited and was_rendered_here(image),
        "tags": [_tag_link(tag.name) for tag in {*image.tags.all(), *image.post.tags.all()}],
        "thread": thread_of(image.subject, request),
        "canonical": request.build_absolute_uri(image.get_absolute_url()),
        "linked": linked.image_data(request, image, title),
        "share": linked.image_share(request, image, title),
        **_neighbors(request, image),
    }
    return render(request, "gallery/image.html", context)


def _tag_link(name: str) -> dict[str, str]:
    return {"name": name, "href": f"{reverse('gallery:images')}?{urlencode({'tag': name})}"}


def _neighbors(request: HttpRequest, image: Image) -> dict[str, str]:
    """Where ← and → lead, and the list that Esc goes back to."""
    if names_a_list(request.GET):
        query = ImageQuery.from_params(request.GET).changed()
        before, after = walk_images(image, query, request.user)
        text, back = query.to_query_string(sort=True), _address(query)
    else:
        before, after = _within_post(request, image)
        text, back = "", image.post.get_absolute_url()
    return {"before": _image_address(before, text), "after": _image_address(after, text), "back": back}


def names_a_list(params: QueryDict) -> bool:
    """Whether an image's address says in which list it stands."""
    return any(name in params for name in ("sort", "q", "tag", "base_model", "version", "model", "owner", "period"))


def _within_post(request: HttpRequest, image: Image) -> tuple[int | None, int | None]:
    shown = Image.objects.visible_to(request.user).ready().filter(post=image.post).order_by("position", "pk")
    ids = list(shown.values_list("pk", flat=True))
    if image.pk not in ids:
        return None, None
    place = ids.index(image.pk)
    return ids[place - 1] if place else None, ids[place + 1] if place + 1 < len(ids) else None


def _image_address(pk: int | None, text: str) -> str:
    if pk is None:
        return ""
    address = reverse("gallery:image", args=[pk])
    return f"{address}?{text}" if text else address
