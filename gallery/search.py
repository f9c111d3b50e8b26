"""Finding images. One door, `search_images`, whatever stands behind it.

Lists are read from `ImageSearch`, a narrow row an image that the public can see: what is not public is not found, and
what lies beyond a viewer's browsing level is not shown, but counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from community.models import User, Viewer
from community.ratings import bits_of, browsing_level_of
from community.search_rows import Matches
from community.search_text import ts_query
from community.services.following import hidden_by
from community.services.paging import decode_cursor, encode_cursor
from gallery.models import Image, ImageSearch
from gallery.search_query import PERIODS, ImageQuery, read_image_query
from registry.models import RegisteredModel, Tag
from registry.search_lists import Below

__all__ = ["FacetCount", "ImagePage", "ImageQuery", "hidden_images", "read_image_query", "search_images", "walk_images"]

PAGE_SIZE: Final = 36
# Counting ends here: a page says "10,000+".
COUNTED: Final = 10_000
_FACETS_SHOWN: Final = 20


@dataclass(frozen=True)
class FacetCount:
    """A value that the list can be narrowed to, and how many of its images have it."""

    value: str
    count: int


@dataclass(frozen=True)
class ImagePage:
    """One page of what was found. `count` and `hidden` end at 10,001.

    `hidden` are public images that fit and that the viewer's settings leave out: beyond their browsing level, or by
    somebody, of something or with a tag that they hide.
    """

    results: tuple[Image, ...]
    next_cursor: str
    count: int
    count_text: str
    hidden: int
    tags: tuple[FacetCount, ...]
    base_models: tuple[FacetCount, ...]


def search_images(query: ImageQuery, viewer: Viewer, *, size: int = PAGE_SIZE, counted: bool = True) -> ImagePage:
    """Public images that fit the query and the viewer's level, in its order; `counted=False` leaves the figures out."""
    away = hidden_images(viewer)
    every = _fitting(query)
    fitting = every.exclude(away) if away else every
    level = bits_of(browsing_level_of(viewer))
    keys = _keys(fitting.filter(rating__in=level), query, size + 1)
    page = keys[:size]
    following = encode_cursor(page[-1], salt=query.salt) if len(keys) > size else ""
    count, hidden, tags, bases = _counts(fitting, level) if counted else (0, 0, (), ())
    if away and counted:
        hidden = min(hidden + every.filter(away, rating__in=level)[: COUNTED + 1].count(), COUNTED + 1)
    return ImagePage(tuple(_images(page, viewer)), following, count, count_text(count), hidden, tags, bases)


def walk_images(image: Image, query: ImageQuery, viewer: Viewer) -> tuple[int | None, int | None]:
    """The ids of the images before and after this one in a list, as the viewer sees that list; None at its ends."""
    row = ImageSearch.objects.filter(pk=image.pk).values_list(*query.columns).first()
    if row is None:
        return None, None
    rows = _fitting(query).filter(rating__in=bits_of(browsing_level_of(viewer))).exclude(hidden_images(viewer))
    after = rows.filter(Below(query.columns, row)).order_by(*(f"-{column}" for column in query.columns))
    before = rows.filter(_Above(query.columns, row)).order_by(*query.columns)
    ids = [found.values_list("pk", flat=True).first() for found in (before, after)]
    return ids[0], ids[1]


def hidden_images(viewer: Viewer) -> Q:
    """The search rows of images that `viewer` chose not to see: by owner, by tag, by model, or one by one."""
    hidden = hidden_by(viewer)
    if not hidden:
        return Q()
    found = Q(owner__in=hidden.owners)
    if hidden.subjects:
        models = RegisteredModel.objects.filter(subject__in=hidden.subjects).values_list("pk", flat=True)
        found |= Q(image__in=Image.objects.filter(subject__in=hidden.subjects).values("pk"))
        found |= Q(model_ids__overlap=list(models))
    if hidden.tags:
        found |= Q(tag_ids__overlap=list(Tag.objects.named(hidden.tags).values_list("pk", flat=True)))
    return found


class _Above(Below):
    """(a, b) > (x, y), as one comparison."""

    arg_joiner = " > "


def _fitting(query: ImageQuery) -> QuerySet[ImageSearch]:
    """The rows that fit, whatever their rating."""
    rows = ImageSearch.objects.all()
    asked = query.asked
    if asked.words and not asked.terms:
        return rows.none()  # signs and no letters: nothing says so
    if asked.terms:
        rows = rows.filter(Matches(ts_query(asked.terms)))
    if query.base_models:
        rows = rows.filter(base_models__overlap=list(query.base_models))
    if query.version is not None:
        rows = rows.filter(version_ids__contains=[query.version])
    if query.model is not None:
        rows = rows.filter(model_ids__contains=[query.model])
    if query.period:
        rows = rows.filter(published_at__gte=timezone.now() - PERIODS[query.period])
    rows = _tagged(rows, {*query.tags, *asked.tags})
    for name in {query.owner.lower(), asked.owner.lower()} - {""}:
        rows = rows.filter(owner__in=User.objects.alias(low=Lower("username")).filter(low=name))
    return rows


def _tagged(rows: QuerySet[ImageSearch], names: set[str]) -> QuerySet[ImageSearch]:
    if not names:
        return rows
    ids = list(Tag.objects.named(names).values_list("pk", flat=True))
    if len(ids) < len({name.lower() for name in names}):
        return rows.none()
    return rows.filter(tag_ids__contains=ids)


def _keys(rows: QuerySet[ImageSearch], query: ImageQuery, count: int) -> list[tuple[Any, ...]]:
    if query.cursor:
        after = decode_cursor(query.cursor, salt=query.salt, length=len(query.columns))
        rows = rows.filter(Below(query.columns, after))
    ordered = rows.order_by(*(f"-{column}" for column in query.columns))
    return list(ordered.values_list(*query.columns)[:count])


def _images(keys: Sequence[tuple[Any, ...]], viewer: Viewer) -> list[Image]:
    """The images in the order of `keys`, with what a card shows of them."""
    ids = [key[-1] for key in keys]
    by_id = Image.objects.visible_to(viewer).ready().for_cards().in_bulk(ids)
    return [by_id[pk] for pk in ids if pk in by_id]


_COUNT: Final = """
WITH hits AS MATERIALIZED ({hits}), shown AS (SELECT * FROM hits WHERE rating = ANY(%s)),
tags AS (SELECT tag, count(*) AS n FROM shown, unnest(tag_ids) AS tag GROUP BY tag ORDER BY n DESC, tag LIMIT {most})
SELECT 'shown', '', count(*) FROM shown
UNION ALL SELECT 'hidden', '', (SELECT count(*) FROM hits) - (SELECT count(*) FROM shown)
UNION ALL SELECT 'base', base, count(*) FROM shown, unnest(base_models) AS base GROUP BY base
UNION ALL SELECT 'tag', registry_tag.name, n FROM tags JOIN registry_tag ON registry_tag.id = tag
"""


def _counts(
    rows: QuerySet[ImageSearch], level: list[int]
) -> tuple[int, int, tuple[FacetCount, ...], tuple[FacetCount, ...]]:
    """Shown, hidden, tags and base models of the hits, counted up to a limit and never further."""
    try:
        hits, params = rows.order_by().values("rating", "tag_ids", "base_models")[: COUNTED + 1].query.sql_with_params()
    except EmptyResultSet:  # the conditions rule each other out; there is nothing to ask
        return 0, 0, (), ()
    found: dict[str, list[FacetCount]] = {"shown": [], "hidden": [], "base": [], "tag": []}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(hits=hits, most=_FACETS_SHOWN), [*params, level])
        for facet, value, count in cursor.fetchall():
            found[facet].append(FacetCount(value, count))
    ordered = [tuple(sorted(found[name], key=lambda each: (-each.count, each.value))) for name in ("tag", "base")]
    return found["shown"][0].count, found["hidden"][0].count, ordered[0], ordered[1]


def count_text(count: int) -> str:
    """A number as people read it, or that there are more."""
    return f"{intcomma(COUNTED)}+" if count > COUNTED else intcomma(count)
