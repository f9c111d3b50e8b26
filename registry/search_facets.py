"""How many hits there are of each type, base model and tag: counted up to a limit, never further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet

from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.effective import RIGHTS
from registry.models import ModelSearch, Tag
from registry.search_query import ModelQuery

# Counting ends here: a page says "10,000+".
COUNTED: Final = 10_000
_TAGS_SHOWN: Final = 20


@dataclass(frozen=True)
class FacetValue:
    """One value that a list can be narrowed to. `query_string` is the address that takes it in, or out again."""

    value: str
    label: str
    count: int
    count_text: str
    is_chosen: bool
    query_string: str


@dataclass(frozen=True)
class Facets:
    """What the hits can be narrowed to, the most frequent first."""

    types: tuple[FacetValue, ...]
    base_models: tuple[FacetValue, ...]
    tags: tuple[FacetValue, ...]
    rights: tuple[FacetValue, ...]


@dataclass(frozen=True)
class _Counts:
    hits: int
    types: dict[str, int]
    base_models: dict[str, int]
    tags: dict[int, int]
    rights: dict[str, int]


def count_facets(rows: QuerySet[ModelSearch], query: ModelQuery, types: Q, base_models: Q) -> tuple[Facets, int, str]:
    """Facets of the hits, their number up to COUNTED + 1, and the number as a page says it.

    `rows` holds every condition but the choice of types and of base models, which are given apart: each of the two is
    counted as if nothing were chosen in it, so that the other choices stay in sight.
    """
    all_hits = _count(rows.filter(types, base_models))
    by_type = _count(rows.filter(base_models)) if query.types else all_hits
    by_base = _count(rows.filter(types)) if query.base_models else all_hits
    facets = Facets(
        _values(by_type.types, {key: row.label for key, row in MODEL_TYPES.items()}, query, "types"),
        _values(by_base.base_models, {key: row.label for key, row in BASE_MODELS.items()}, query, "base_models"),
        _tag_values(all_hits.tags, query),
        _values(all_hits.rights, {}, query, "rights"),
    )
    return facets, all_hits.hits, count_text(all_hits.hits)


def count_text(count: int) -> str:
    """A number as people read it, or that there are more."""
    return f"{intcomma(COUNTED)}+" if count > COUNTED else intcomma(count)


_COUNT: Final = """
WITH hits AS MATERIALIZED ({hits}),
tags AS (SELECT tag, count(*) AS n FROM hits, unnest(tag_ids) AS tag GROUP BY tag ORDER BY n DESC, tag LIMIT {tags})
SELECT 'hits', NULL, count(*) FROM hits
UNION ALL SELECT 'type', type, count(*) FROM hits GROUP BY type
UNION ALL SELECT 'base', base, count(*) FROM hits, unnest(base_models) AS base GROUP BY base
UNION ALL SELECT 'tag', tag::text, n FROM tags
UNION ALL SELECT 'right', place::text, count(*) FROM hits, generate_series(0, {rights} - 1) AS place
    WHERE rights >> place & 1 = 1 GROUP BY place
"""


def _count(rows: QuerySet[ModelSearch]) -> _Counts:
    counted = rows.order_by().values("type", "base_models", "tag_ids", "rights")[: COUNTED + 1]
    try:
        hits, params = counted.query.sql_with_params()
    except EmptyResultSet:  # the conditions rule each other out; there is nothing to ask
        return _Counts(0, {}, {}, {}, {})
    found: dict[str, dict[Any, int]] = {"hits": {}, "type": {}, "base": {}, "tag": {}, "right": {}}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(hits=hits, tags=_TAGS_SHOWN, rights=len(RIGHTS)), params)
        for facet, value, count in cursor.fetchall():
            found[facet][value] = count
    tags = {int(tag): count for tag, count in found["tag"].items()}
    rights = {RIGHTS[int(place)]: count for place, count in found["right"].items()}
    return _Counts(found["hits"].get(None, 0), found["type"], found["base"], tags, rights)


def _values(counts: dict[str, int], labels: dict[str, str], query: ModelQuery, name: str) -> tuple[FacetValue, ...]:
    chosen: tuple[str, ...] = getattr(query, name)
    shown = {value: counts.get(value, 0) for value in [*counts, *chosen]}
    ordered = sorted(shown.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        FacetValue(
            value,
            labels.get(value, value),
            count,
            count_text(count),
            value in chosen,
            query.changed(**{name: _toggled(chosen, value)}).to_query_string(),
        )
        for value, count in ordered
    )


def _tag_values(counts: dict[int, int], query: ModelQuery) -> tuple[FacetValue, ...]:
    names = dict(Tag.objects.filter(pk__in=counts).values_list("pk", "name"))
    spelled = {chosen.lower(): chosen for chosen in query.tags}
    by_name = {spelled.get(names[pk].lower(), names[pk]): count for pk, count in counts.items() if pk in names}
    return _values(by_name, {}, query, "tags")


def _toggled(chosen: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(kept for kept in chosen if kept != value) if value in chosen else (*chosen, value)
