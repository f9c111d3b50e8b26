"""One page of a list of search rows, by keyset: never an offset, never a whole hit list ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BooleanField, ExpressionWrapper, F, FloatField, Func, Q, QuerySet, Value

from community.api.common.paging import decode_cursor, encode_cursor
from community.search_rows import Matches
from registry.models import ModelSearch
from registry.search_query import RELEVANCE, SORTS, cursor_length, cursor_salt

# So many of the most downloaded hits are ranked; the rest follow by downloads.
CANDIDATES: Final = 500
# Models that bear exactly the title that was asked for.
_NAMESAKES: Final = 20
_RANKED, _REST = 0, 1


class _Row(Func):
    template = "(%(expressions)s)"


class Below(Func):
    """(a, b) < (x, y), as one comparison that a b-tree answers from its middle."""

    template = "(%(expressions)s)"
    arg_joiner = " < "
    output_field = BooleanField()

    def __init__(self, columns: Sequence[str], values: Sequence[Any]) -> None:
        super().__init__(_Row(*map(F, columns)), _Row(*map(Value, values)), output_field=BooleanField())


@dataclass(frozen=True)
class Words:
    """What a full-text list is made from: the query that is run, the one that was typed, and the title it would be."""

    query: str
    typed: str
    title: str


def list_page(
    rows: QuerySet[ModelSearch], sort: str, *, words: Words | None, cursor: str, size: int
) -> tuple[list[int], str]:
    """Ids of `size` models after `cursor`, and the cursor of the page after them (empty: this was the last).

    `rows` holds every condition but the words'. The cursor is one of this sort (`registry.search_query.is_cursor`).
    """
    after = decode_cursor(cursor, salt=cursor_salt(sort), length=cursor_length(sort)) if cursor else None
    if sort == RELEVANCE and words is not None:
        keys = _by_relevance(rows, words, after, size + 1)
    else:
        matching = rows.filter(Matches(words.query)) if words else rows
        keys = _by_columns(matching, SORTS[sort], after, size + 1)
    page = keys[:size]
    following = encode_cursor(page[-1], salt=cursor_salt(sort)) if len(keys) > size else ""
    return [key[-1] for key in page], following


def _by_columns(
    rows: QuerySet[ModelSearch], columns: Sequence[str], after: Sequence[Any] | None, count: int
) -> list[tuple[Any, ...]]:
    if after is not None:
        rows = rows.filter(Below(columns, after))
    return list(rows.order_by(*(f"-{column}" for column in columns)).values_list(*columns)[:count])


def _by_relevance(
    rows: QuerySet[ModelSearch], words: Words, after: Sequence[Any] | None, count: int
) -> list[tuple[Any, ...]]:
    """Keys of ranked hits, then of the hits beyond the candidates by downloads."""
    candidates, edge = _candidates(rows, words)
    keys: list[tuple[Any, ...]] = []
    if after is None or after[0] == _RANKED:
        ranked = sorted(candidates, key=_ranked_key, reverse=True)
        keys = [key for key in ranked if after is None or _ranked_key(key) < _ranked_key(after)][:count]
    if len(keys) < count and edge is not None:
        start = after[3:] if after is not None and after[0] == _REST else edge
        known = [key[-1] for key in candidates if key[1]]  # an exact title may lie beyond the edge
        rest = rows.filter(Matches(words.query)).exclude(pk__in=known)
        found = _by_columns(rest, SORTS["downloads"], start, count - len(keys))
        keys += [(_REST, False, False, downloads, pk) for downloads, pk in found]
    return keys


def _ranked_key(key: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(key[1:])


def _candidates(
    rows: QuerySet[ModelSearch], words: Words
) -> tuple[list[tuple[int, bool, bool, float, int]], tuple[int, int] | None]:
    """Keys of the hits to rank, and where the hits beyond them begin (None: there are none)."""
    shown = ("pk", "downloads", "rank", "typed", "title")
    ranked = rows.annotate(
        rank=Func(
            F("words"), Value(words.query), template="ts_rank(%(expressions)s::tsquery)", output_field=FloatField()
        ),
        typed=ExpressionWrapper(Q(Matches(words.typed)), output_field=BooleanField()),
    ).values_list(*shown)
    popular = list(ranked.filter(Matches(words.query)).order_by("-downloads", "-model_id")[:CANDIDATES])
    edge = (popular[-1][1], popular[-1][0]) if len(popular) == CANDIDATES else None
    namesakes = ranked.filter(title=words.title).order_by("-downloads", "-model_id")[:_NAMESAKES]
    found = {row[0]: row for row in [*popular, *namesakes]}
    return [
        (_RANKED, title == words.title, bool(typed), _score(rank, downloads), pk)
        for pk, downloads, rank, typed, title in found.values()
    ], edge


def _score(rank: float, downloads: int) -> float:
    """How well the words fit, weighed by how many people took the model. Rounded, so that a cursor finds its place."""
    return round(rank * (1 + math.log1p(downloads)), 9)
