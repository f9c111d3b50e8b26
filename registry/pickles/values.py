"""What the symbolic machine keeps on its stack: enough to say who is called with what, and nothing of the data.

Short strings and small integers stand for themselves (`str`, `int`). All else is one of the classes below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

MAX_TEXT = 4096  # longer strings are not held; no import name, storage key or codec is that long
MAX_HELD_ITEMS = 32  # of a tuple: rebuild functions take at most twelve arguments
MAX_HELD_DEPTH = 1000  # below that a tuple does not keep its items, so that chains of them are not kept for ever
MAX_HELD_STRINGS = 200_000  # of a list: the legacy layout names its storages in one
WEIGHT_CEILING = 1 << 40  # a saturating count, so that doubling for ever stays cheap


class Opaque:
    """A constant whose value does not matter, only its kind."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


NONE = Opaque("None")
BOOL = Opaque("bool")
FLOAT = Opaque("float")
BYTES = Opaque("bytes")
TEXT = Opaque("str")
INT = Opaque("int")
BYTEARRAY = Opaque("bytearray")
BUFFER = Opaque("buffer")
UNKNOWN = Opaque("unknown")


class Global:
    """An imported name, as written in the stream."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


class Result:
    """What a call returned. Arguments, state and items are kept only where somebody asked the machine to collect."""

    __slots__ = ("arguments", "callee", "items", "state", "weight")

    def __init__(self, callee: Value, arguments: Value | None = None, weight: int = 1) -> None:
        self.callee = callee
        self.arguments = arguments
        self.weight = weight
        self.state: Value | None = None
        self.items: Items | None = None


class Storage:
    """A torch storage that a persistent id names: bytes kept beside the pickle. `is_view`: it is a part of another."""

    __slots__ = ("is_view", "key", "kind", "numel")

    def __init__(self, kind: str, key: str, numel: int, *, is_view: bool = False) -> None:
        self.kind = kind
        self.key = key
        self.numel = numel
        self.is_view = is_view


class Items:
    """A list, dict or set under construction.

    `weight` is how many leaves hashing or walking it visits, shared parts counted each time. `dunders` are the
    dictionary's keys of the form `__x__`. `entries` is filled only for machines that collect.
    """

    __slots__ = ("dunders", "entries", "kind", "strings", "weight")

    def __init__(self, kind: str, entries: list[Value] | None = None) -> None:
        self.kind = kind
        self.weight = 1
        self.dunders: list[str] | None = None
        self.strings: list[str] | None = None
        self.entries = entries


class Tuple:
    """A tuple: its first items, how many there were, how heavy and how deep hashing it is."""

    __slots__ = ("depth", "items", "length", "weight")

    def __init__(self, items: Sequence[Value]) -> None:
        self.length = len(items)
        self.weight, self.depth = _burden(items)
        if self.depth > MAX_HELD_DEPTH:
            self.items: tuple[Value, ...] = (UNKNOWN,) * min(self.length, MAX_HELD_ITEMS)
        else:
            self.items = tuple(items) if self.length <= MAX_HELD_ITEMS else tuple(items[:MAX_HELD_ITEMS])


Value: TypeAlias = "str | int | Opaque | Global | Result | Storage | Items | Tuple"


def _burden(items: Iterable[Value]) -> tuple[int, int]:
    """Weight and depth of a tuple of these items."""
    weight = 1
    depth = 1
    for item in items:
        cls = item.__class__
        if cls is Tuple:
            weight += item.weight  # type: ignore[union-attr]  # told by its class, which is twice as fast here
            if item.depth >= depth:  # type: ignore[union-attr]
                depth = item.depth + 1  # type: ignore[union-attr]
        elif cls is Items or cls is Result:
            weight += item.weight  # type: ignore[union-attr]
        else:
            weight += 1
    return (weight if weight < WEIGHT_CEILING else WEIGHT_CEILING), depth


EMPTY = Tuple(())  # one for all, since nothing can change it


def weight_of(value: Value) -> int:
    if isinstance(value, Tuple | Items | Result):
        return value.weight
    return 1


def clean(text: str, limit: int = 300) -> str:
    """Text of a hostile file made fit for JSON, a database and a terminal: no control, bidi or surrogate characters."""
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def preview(value: Value, depth: int = 3) -> str:
    """A short, escaped rendering of a value for people; at most about 200 characters."""
    text = _render(value, depth)
    return text if len(text) <= 200 else text[:199] + "…"


def _render(value: Value, depth: int) -> str:
    if isinstance(value, str):
        return clean(repr(value if len(value) <= 120 else value[:119] + "…"))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Opaque):
        return value.kind if value is NONE else f"<{value.kind}>"
    if isinstance(value, Global):
        return clean(value.path, 120)
    if isinstance(value, Storage):
        return f"<storage {clean(value.key, 20)}>"
    if isinstance(value, Result):
        return f"{_render(value.callee, depth - 1)}(…)" if depth else "…"
    if isinstance(value, Items):
        return {"list": "[…]", "dict": "{…}"}.get(value.kind, "{…}")
    return _render_tuple(value, depth)


def _render_tuple(value: Tuple, depth: int) -> str:
    if not depth:
        return "(…)"
    shown = [_render(item, depth - 1) for item in value.items[:6]]
    if value.length > 6:
        shown.append("…")
    return "(" + ", ".join(shown) + ")"
