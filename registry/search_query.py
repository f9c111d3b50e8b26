"""What somebody looks for, as it stands in an address. A bad value falls away alone; defaults are left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from django.http import QueryDict

from community.api.common.paging import decode_cursor
from community.errors import InvalidInput
from community.search_text import MAX_QUERY_CHARACTERS, Term, query_terms
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.effective import RIGHTS

RELEVANCE: Final = "relevance"
# What a list is ordered by: columns of the search row, the newest and largest first, the id last.
SORTS: Final[dict[str, tuple[str, ...]]] = {
    RELEVANCE: (),
    "downloads": ("downloads", "model_id"),
    "newest": ("first_published_at", "model_id"),
    "updated": ("published_at", "model_id"),
}
_DEFAULT_SORT: Final = "downloads"
# A cursor of the sort by relevance: phase, title is exact, matched as typed, score, id. See `registry.search_lists`.
RELEVANCE_KEYS: Final = 5
_MAX_VALUES: Final = 20
_HASH: Final = re.compile(r"(?:hash:)?(?:0x)?([0-9A-Fa-f]{8,64})")
_OPERATOR: Final = re.compile(r"#\"([^\"]{1,60})\"|(?<!\S)([#@])(\S+)|(?<!\S)hash:(\S+)")


@dataclass(frozen=True)
class Asked:
    """What the search box says, taken apart: `#tag`, `@owner`, `hash:…`, and words."""

    words: str
    terms: tuple[Term, ...]
    tags: tuple[str, ...]
    owner: str
    hash: str


@dataclass(frozen=True)
class ModelQuery:
    """A search. Compare, keep and change it (`changed`) freely: it is a value."""

    q: str = ""
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()  # uses that must all be allowed: names of `Permissions`
    sort: str = ""  # as asked for; empty for the default
    cursor: str = ""

    @classmethod
    def from_params(cls, params: QueryDict) -> ModelQuery:
        """Read an address's query string. What makes no sense is as if it were not there."""
        return read_query(params)[0]

    def to_params(self) -> list[tuple[str, str]]:
        """The query string again, as pairs, without what is the default."""
        pairs = [("q", self.q), *(("type", value) for value in self.types)]
        pairs += [("base_model", value) for value in self.base_models] + [("tag", value) for value in self.tags]
        pairs += [("right", value) for value in self.rights]
        pairs += [("sort", self.sort if self.sort != self._default_sort else ""), ("cursor", self.cursor)]
        return [(name, value) for name, value in pairs if value]

    def to_query_string(self) -> str:
        """`to_params`, ready to stand after the question mark."""
        found = QueryDict(mutable=True)
        for name, value in self.to_params():
            found.appendlist(name, value)
        return found.urlencode()

    def changed(self, **changes: Any) -> ModelQuery:
        """The first page of another search that differs in `changes`."""
        return replace(self, **{"cursor": "", **changes})

    @property
    def sort_used(self) -> str:
        """What the list is really ordered by."""
        return self.sort or self._default_sort

    @property
    def _default_sort(self) -> str:
        return RELEVANCE if self.asked.terms else _DEFAULT_SORT

    @cached_property
    def asked(self) -> Asked:
        return take_apart(self.q)

    @property
    def pasted_hash(self) -> str:
        """The hash, in lower case, where the search box holds nothing else; it may have a page of its own."""
        match = _HASH.fullmatch(self.q.strip())
        return match[1].lower() if match else ""


def read_query(params: QueryDict) -> tuple[ModelQuery, tuple[str, ...]]:
    """The query, and the names of the parameters whose values made no sense."""
    bad: list[str] = []

    def values(name: str, is_good: Callable[[str], bool]) -> tuple[str, ...]:
        given = [value for value in params.getlist(name) if value]
        good = tuple(dict.fromkeys(value for value in given if is_good(value)))
        if len(good) > _MAX_VALUES or not all(is_good(value) for value in given):
            bad.append(name)
        return good[:_MAX_VALUES]

    def value(name: str, is_good: Callable[[str], bool]) -> str:
        return (values(name, is_good) or ("",))[-1]

    query = ModelQuery(
        q=value("q", lambda text: "\0" not in text and len(text) <= MAX_QUERY_CHARACTERS),
        types=values("type", MODEL_TYPES.__contains__),
        base_models=values("base_model", BASE_MODELS.__contains__),
        tags=values("tag", lambda text: "\0" not in text and len(text) <= 60),
        rights=values("right", RIGHTS.__contains__),
        sort=value("sort", SORTS.__contains__),
    )
    if query.sort == RELEVANCE and not query.asked.terms:
        query = replace(query, sort="")  # nothing to be relevant to
    cursor = value("cursor", lambda text: is_cursor(text, query.sort_used))
    return replace(query, cursor=cursor), tuple(bad)


def cursor_salt(sort: str) -> str:
    """Cursors of one order are no cursors of another."""
    return f"models:{sort}"


def cursor_length(sort: str) -> int:
    return len(SORTS[sort]) or RELEVANCE_KEYS


def is_cursor(text: str, sort: str) -> bool:
    """Whether `text` is a place in the list of this order."""
    try:
        decode_cursor(text, salt=cursor_salt(sort), length=cursor_length(sort))
    except InvalidInput:
        return False
    return True


def take_apart(q: str) -> Asked:
    """What a search box says."""
    tags: list[str] = []
    owner = found_hash = ""
    for match in _OPERATOR.finditer(q):
        quoted, sign, operand, digest = match.groups()
        if quoted or sign == "#":
            tags.append((quoted or operand).strip())
        elif sign == "@":
            owner = operand
        else:
            found_hash = digest.lower().removeprefix("0x")
    words = " ".join(_OPERATOR.sub(" ", q).split())
    return Asked(words, tuple(query_terms(words)), tuple(tags), owner, found_hash)
