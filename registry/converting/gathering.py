"""The numbers of a tensor in the order in which a file holds them, piece by piece, however they lie in their storage.

What lies in order is read in blocks. What does not is cut into boxes until one spans few bytes of the storage and of
the result; then numpy turns it around in memory. So neither a transposed nor an expanded tensor is ever held whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Final

import numpy as np

from registry.converting.views import View
from registry.formats.sources import Region

BLOCK: Final = 1 << 20  # larger ones are fetched from the system anew each time, which costs more than it saves
_SPAN: Final = 16 << 20  # bytes of storage, and of result, that a box may have

# Where a piece belongs, in numbers from the tensor's first, and its bytes.
Piece = tuple[int, bytes]


def pieces(view: View, storage: Region) -> Iterator[Piece]:
    """All numbers of a tensor; pieces may come in any order. Raises EOFError where the storage ends early."""
    if not view.elements:
        return
    if view.is_plain:
        yield from _plain(view, storage)
        return
    waiting = [_Box(view.offset, 0, view.shape, view.strides)]
    targets = row_strides(view.shape)
    while waiting:
        box = waiting.pop()
        if box.span * view.width > _SPAN or box.elements * view.width > _SPAN:
            waiting.extend(box.halves(targets, by_span=box.span * view.width > _SPAN))
        else:
            yield from box.rows(view, storage, targets)


def row_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a tensor that lies in order."""
    return tuple(prod(shape[place + 1 :]) for place in range(len(shape)))


def _plain(view: View, storage: Region) -> Iterator[Piece]:
    start, step = view.offset * view.width, BLOCK // view.width * view.width
    for position in range(0, view.size, step):
        count = min(step, view.size - position)
        yield position // view.width, read(storage, start + position, count)


def read(storage: Region, position: int, count: int) -> bytes:
    """Exactly these bytes. Raises EOFError."""
    data = storage.at(position, count)
    if len(data) != count:
        raise EOFError
    return data


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of a tensor: a range along each of its sides. Starts are elements of the storage and of the result."""

    start: int
    target: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def span(self) -> int:
        """Elements of the storage from the first to the last."""
        return 1 + sum((length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True))

    def halves(self, targets: tuple[int, ...], *, by_span: bool) -> list[_Box]:
        """Two boxes: cut where the storage is spanned widest, or along the first side that is left."""
        spans = [(length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True)]
        side = spans.index(max(spans)) if by_span else next(i for i, length in enumerate(self.shape) if length > 1)
        first = self.shape[side] // 2
        lower, upper = list(self.shape), list(self.shape)
        lower[side], upper[side] = first, self.shape[side] - first
        start, target = self.start + first * self.strides[side], self.target + first * targets[side]
        return [replace(self, start=start, target=target, shape=tuple(upper)), replace(self, shape=tuple(lower))]

    def rows(self, view: View, storage: Region, targets: tuple[int, ...]) -> Iterator[Piece]:
        """The box turned around, in runs that lie together in the result."""
        numbers = np.frombuffer(read(storage, self.start * view.width, self.span * view.width), f"<u{view.width}")
        steps = tuple(stride * view.width for stride in self.strides)
        ordered = np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers, self.shape, steps, writeable=False))
        partial = [side for side, length in enumerate(self.shape) if length != view.shape[side]]
        outer = self.shape[: partial[-1]] if partial else ()
        run = self.elements // prod(outer)
        places = np.zeros(1, np.int64)
        for length, target in zip(outer, targets, strict=False):
            places = np.add.outer(places, np.arange(length) * target).reshape(-1)
        for place, row in zip(places.tolist(), ordered.reshape(-1, run), strict=True):
            yield self.target + place, row.tobytes()
