"""What images somebody looks for, as it stands in an address. A bad value falls away alone; defaults are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from django.http import QueryDict

from community.errors import InvalidInput
from community.search_text import MAX_QUERY_CHARACTERS
from community.services.paging import decode_cursor
from registry.formats.catalog import BASE_MODELS
from registry.search_query import Asked, take_apart

# What a list is ordered by: columns of the search row, the newest and largest first, the id last.
SORTS: Final[dict[str, tuple[str, ...]]] = {
    "newest": ("published_at", "image_id"),
    "reactions": ("reactions", "image_id"),
    "comments": ("comments", "image_id"),
}
DEFAULT_SORT: Final = "newest"
PERIODS: Final[dict[str, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_MAX_VALUES: Final = 20
_MAX_NAME: Final = 96


@dataclass(frozen=True)
class ImageQuery:
    """A list of images. Compare, keep and change it (`changed`) freely: it is a value.

    `version` and `model` ask for what an image was made with or posted to.
    """

    q: str = ""
    tags: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    version: int | None = None
    model: int | None = None
    owner: str = ""
    period: str = ""
    sort: str = ""
    cursor: str = ""

    @classmethod
    def from_params(cls, params: QueryDict) -> ImageQuery:
        """Read an address's query string. What makes no sense is as if it were not there."""
        return read_image_query(params)[0]

    def to_params(self, *, sort: bool = False) -> list[tuple[str, str]]:
        """The query string again, as pairs, without what is the default; with `sort` its order is always named."""
        pairs = [("q", self.q), *(("tag", value) for value in self.tags)]
        pairs += [("base_model", value) for value in self.base_models]
        pairs += [("version", str(self.version or "")), ("model", str(self.model or "")), ("owner", self.owner)]
        named = self.sort_used if sort or self.sort_used != DEFAULT_SORT else ""
        pairs += [("period", self.period), ("sort", named), ("cursor", self.cursor)]
        return [(name, value) for name, value in pairs if value]

    def to_query_string(self, *, sort: bool = False) -> str:
        """`to_params`, ready to stand after the question mark."""
        found = QueryDict(mutable=True)
        for name, value in self.to_params(sort=sort):
            found.appendlist(name, value)
        return found.urlencode()

    def changed(self, **changes: Any) -> ImageQuery:
        """The first page of another list that differs in `changes`."""
        return replace(self, **{"cursor": "", **changes})

    @property
    def sort_used(self) -> str:
        """What the list is really ordered by."""
        return self.sort or DEFAULT_SORT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of that order, each from the largest on."""
        return SORTS[self.sort_used]

    @property
    def salt(self) -> str:
        """Cursors of one order are no cursors of another."""
        return f"images:{self.sort_used}"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order was asked for."""
        return self.changed(sort="") != ImageQuery()

    @cached_property
    def asked(self) -> Asked:
        return take_apart(self.q)


def read_image_query(params: QueryDict) -> tuple[ImageQuery, tuple[str, ...]]:
    """The query, and the names of the parameters whose values made no sense."""
    bad: list[str] = []

    def values(name: str, is_good: Callable[[str], bool]) -> tuple[str, ...]:
        given = [value for value in params.getlist(name) if value]
        good = tuple(dict.fromkeys(value for value in given if is_good(value)))
        if len(good) > _MAX_VALUES or len(good) < len(set(given)):
            bad.append(name)
        return good[:_MAX_VALUES]

    def value(name: str, is_good: Callable[[str], bool]) -> str:
        return (values(name, is_good) or ("",))[-1]

    def number(name: str) -> int | None:
        text = value(name, lambda text: text.isascii() and text.isdigit() and len(text) < 19)
        return int(text) if text else None

    query = ImageQuery(
        q=value("q", lambda text: "\0" not in text and len(text) <= MAX_QUERY_CHARACTERS),
        tags=values("tag", lambda text: "\0" not in text and len(text) <= 60),
        base_models=values("base_model", BASE_MODELS.__contains__),
        version=number("version"),
        model=number("model"),
        owner=value("owner", lambda text: "\0" not in text and len(text) <= _MAX_NAME),
        period=value("period", PERIODS.__contains__),
        sort=value("sort", SORTS.__contains__),
    )
    cursor = value("cursor", lambda text: is_image_cursor(text, query))
    return replace(query, cursor=cursor), tuple(bad)


def is_image_cursor(text: str, query: ImageQuery) -> bool:
    """Whether `text` is a place in a list of this order."""
    try:
        decode_cursor(text, salt=query.salt, length=len(query.columns))
    except InvalidInput:
        return False
    return True
