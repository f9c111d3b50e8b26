"""Models for readers of feeds, and what other rooms' feeds say of models and versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from community.feeds import ANYBODY, PAGE_SIZE, Entry, Feed, Thumbnail, address_with, open_feed
from registry.models import ModelVersion, RegisteredModel
from registry.models.shown import ShownPicture
from registry.search import ModelQuery, list_models
from registry.services.pictures import covers_for_models, covers_for_versions
from registry.templatetags.safelight import base_label, type_label

# A reader wants what is new; a page begins with what most people took.
_SORT = "newest"
_SORTS = frozenset({_SORT, "updated", "downloads"})


@open_feed
def models_feed(request: HttpRequest) -> Feed:
    """`/models.atom` with the words and filters of `/models`; the newest first unless another order is named."""
    query = ModelQuery.from_params(_sorted(request.GET))
    ids, following = list_models(query, ANYBODY, size=PAGE_SIZE)
    path = reverse("registry:models-feed")
    kept = feed_params(query)
    page = [*(pair for pair in kept if pair[0] != "sort"), ("sort", query.sort_used)]
    return Feed(
        key=address_with("models", kept),
        title=_title(query),
        page=address_with(reverse("registry:models"), page),
        address=address_with(path, [*kept, ("cursor", query.cursor)]),
        following=address_with(path, [*kept, ("cursor", following)]) if following else "",
        entries=model_entries(ids),
    )


def _sorted(asked: QueryDict) -> QueryDict:
    params = asked.copy()
    if params.get("sort") not in _SORTS:
        params["sort"] = _SORT
    return params


def feed_params(query: ModelQuery) -> list[tuple[str, str]]:
    """What the feed of a list keeps of the list's address."""
    kept = [(name, value) for name, value in query.to_params() if name not in ("sort", "cursor")]
    return [*kept, ("sort", query.sort if query.sort in _SORTS - {_SORT} else "")]


def models_feed_address(query: ModelQuery) -> str:
    """The feed of the list that a page shows."""
    return address_with(reverse("registry:models-feed"), feed_params(query.changed()))


def _title(query: ModelQuery) -> str:
    words = [
        query.q,
        *(f"#{tag}" for tag in query.tags),
        *(type_label(each) for each in query.types),
        *(base_label(each) for each in query.base_models),
    ]
    chosen = ", ".join(word for word in words if word)
    return _("Models: %(chosen)s") % {"chosen": chosen} if chosen else _("Models")


def model_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of the models that everybody may see, in the order of `ids`. A fixed number of queries."""
    shown = RegisteredModel.objects.visible_to(ANYBODY).filter(pk__in=ids)
    rows = shown.select_related("owner", "search").defer("license_text").prefetch_related("tags")
    found = {model.pk: model for model in rows}
    covers = covers_for_models(found, ANYBODY)
    return [_model_entry(found[pk], covers.get(pk)) for pk in ids if pk in found]


def _model_entry(model: RegisteredModel, cover: ShownPicture | None) -> Entry:
    listed = getattr(model, "search", None)
    bases = [base_label(base) for base in listed.base_models] if listed else []
    return Entry(
        key=f"model/{model.pk}",
        title=model.title,
        address=model.get_absolute_url(),
        author=model.owner,
        updated=_first_known(listed and listed.published_at, model.first_published_at, model.created_at),
        published=model.first_published_at,
        text=model.description,
        facts=" · ".join(fact for fact in (type_label(model.type), *bases, model.declared_rating_name) if fact),
        thumbnail=thumbnail_of(cover),
        tags=tuple(tag.name for tag in model.tags.all()),
    )


def version_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of the versions that everybody may have, in the order of `ids`. A fixed number of queries."""
    rows = ModelVersion.objects.visible_to(ANYBODY).filter(pk__in=ids).select_related("model__owner")
    found = {version.pk: version for version in rows}
    covers = covers_for_versions(found, ANYBODY)
    return [_version_entry(found[pk], covers.get(pk)) for pk in ids if pk in found]


def _version_entry(version: ModelVersion, cover: ShownPicture | None) -> Entry:
    model = version.model
    words = _("Trigger words: %(words)s") % {"words": ", ".join(version.trained_words)} if version.trained_words else ""
    return Entry(
        key=f"version/{version.pk}",
        title=f"{model.title} {version.name}",
        address=version.get_absolute_url(),
        author=model.owner,
        updated=_first_known(version.published_at, version.created_at),
        published=version.published_at,
        text=version.notes,
        facts=" · ".join(fact for fact in (type_label(model.type), base_label(version.base_model), words) if fact),
        thumbnail=thumbnail_of(cover),
    )


def _first_known(*moments: datetime | None) -> datetime:
    return next(moment for moment in moments if moment is not None)


def thumbnail_of(shown: ShownPicture | None, alt: str = "") -> Thumbnail | None:
    """The middle copy of a picture that everybody may see, or else its original; needs its renditions."""
    if shown is None or shown.picture is None or not shown.picture.width:
        return None
    copies = shown.copies("webp")
    words = alt or getattr(shown, "alt", "")
    if not copies:
        picture = shown.picture
        return Thumbnail(shown.original_address, picture.mime, words, picture.width, picture.height)
    copy = copies[min(1, len(copies) - 1)]
    return Thumbnail(shown.address_of(copy), f"image/{copy.format}", words, copy.width, copy.height, copy.size)
