"""Pages of a list that can be read to the end, by keyset: each page begins after the last row of the one before.

A cursor is the ordering values of that row, signed, so that nothing but our own values ever reaches a query. It is
opaque to whoever carries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from community.errors import InvalidInput

MAX_CURSOR = 2000
T = TypeVar("T", bound=Model)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the page after them; empty when there is none."""

    items: list[T]
    next: str


def keyset_page(rows: QuerySet[T], order: Sequence[str], *, cursor: str = "", size: int) -> Page[T]:
    """`size` rows of `rows` in `order`, after `cursor`.

    `order` names columns that are never null, the last of them unique; "-" before a name turns its direction.
    Raises InvalidInput (field "cursor").
    """
    salt = ",".join(order)
    if cursor:
        rows = rows.filter(_after(order, decode_cursor(cursor, salt=salt, length=len(order))))
    found = list(rows.order_by(*order)[: size + 1])
    items = found[:size]
    following = ""
    if len(found) > size:
        following = encode_cursor([_value(items[-1], name) for name in order], salt=salt)
    return Page(items, following)


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for step in name.removeprefix("-").split("__"):
        value = getattr(value, step)
    return value


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """(a, b, c) past (x, y, z), each column in its own direction."""
    past, same = Q(), Q()
    for name, value in zip(order, values, strict=True):
        column = name.removeprefix("-")
        step = "lt" if name.startswith("-") else "gt"
        past |= same & Q(**{f"{column}__{step}": value})
        same &= Q(**{column: value})
    return past


def encode_cursor(values: Sequence[Any], *, salt: str) -> str:
    """A cursor for a place in the ordering that `salt` names. Values: numbers, text, moments, UUIDs."""
    return _signer(salt).sign_object([_plain(value) for value in values])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return str(value) if isinstance(value, UUID) else value


def decode_cursor(cursor: str, *, salt: str, length: int) -> list[Any]:
    """The values that `encode_cursor` was given. Raises InvalidInput (field "cursor") for anything else."""
    try:
        if len(cursor) > MAX_CURSOR:
            raise BadSignature
        values = _signer(salt).unsign_object(cursor)
    except BadSignature:
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise InvalidInput(_("This is not a cursor of this list. Begin again without one."), field="cursor")
    return [datetime.fromisoformat(value["t"]) if isinstance(value, dict) else value for value in values]


def _signer(salt: str) -> Signer:
    return Signer(salt=f"cursor:{salt}", sep=".")
