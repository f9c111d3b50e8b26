"""The stored parts of a layer's adapter, and the checks that stand before any arithmetic with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

import torch

Parts = Mapping[str, torch.Tensor]
Shape = tuple[int, ...]

MAX_DIMENSIONS: Final = 5
MAX_RANK: Final = 4_096  # far above any use; keeps what a contraction needs in between small


class PartFault(Exception):
    """A part that cannot be used. `part` names it, or is empty for the layer as a whole."""

    def __init__(self, code: str, part: str = "", **params: object) -> None:
        super().__init__(code)
        self.code, self.part, self.params = code, part, params


def need(parts: Parts, *names: str) -> tuple[torch.Tensor, ...]:
    """The parts of these names, none of them empty. Raises PartFault."""
    missing = [name for name in names if name not in parts]
    if missing:
        raise PartFault("missing_pair", missing=missing)
    for name in names:
        if not 1 <= parts[name].ndim <= MAX_DIMENSIONS or 0 in parts[name].shape:
            refuse(name, parts[name].shape, ())
    return tuple(parts[name] for name in names)


def refuse(part: str, shape: torch.Size | Shape, expected: Shape) -> NoReturn:
    """Raises PartFault: the part has another shape than it must."""
    raise PartFault("wrong_shape", part, shape=list(shape), expected=list(expected))


def fitted(value: torch.Tensor, part: str, shape: Shape) -> torch.Tensor:
    """`value` in `shape`, where both differ by sides of 1 only (a 1×1 convolution is a matrix)."""
    if _bare(tuple(value.shape)) != _bare(shape):
        refuse(part, value.shape, shape)
    return value.reshape(shape)


def _bare(shape: Shape) -> Shape:
    """Without the sides of 1 at the end."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def expect(part: str, value: torch.Tensor, expected: Shape) -> None:
    """Raises PartFault unless the part has that shape, but for sides of 1 at the end."""
    if _bare(tuple(value.shape)) != _bare(expected):
        refuse(part, value.shape, expected)


def scale_of(alpha: float | None, rank: int) -> float:
    """α/r; 1 where no alpha is stored."""
    return 1.0 if alpha is None else alpha / rank


def rank_of(part: str, factor: torch.Tensor) -> int:
    """The first side of a factor. Raises PartFault for more than any adapter has."""
    if factor.shape[0] > MAX_RANK:
        refuse(part, factor.shape, (MAX_RANK,))
    return factor.shape[0]


def tucker(core: torch.Tensor, out: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Core (r, r, …) with its first side led out by (out, r) and its second in by (r, in)."""
    core = core if core.ndim > 2 else core[..., None]
    return torch.einsum("ij...,oi,jn->on...", core, out, inputs)
