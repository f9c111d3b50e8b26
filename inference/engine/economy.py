"""A render that makes do with less memory, at the price of time, and leaves no trace of it in what is loaded.

Three things are done smaller, none of which changes the size of the picture: the VAE works tile by tile, attention asks
for some of its queries at a time, and the prompt and its opposite are predicted one after the other. The last two round
differently and compute the same; tiles are blended, so that the picture is close to the one made whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

QUERIES: Final = 512  # of one slice of attention
LEAST_TILE: Final = 32  # latents on a side: smaller tiles see too little of the picture for its colors to agree
MOST_TILE: Final = 64
_EVEN: Final = 8  # a quarter of a tile overlaps, in whole latents
_WHOLE: Final = 1536 * 1536  # pixels from which a VAE always works tile by tile: its memory grows with them
_TILING: Final = ("use_tiling", "tile_sample_min_size", "tile_latent_min_size")

Attention = Callable[..., torch.Tensor]


def sliced_attention(*, economical: bool) -> AbstractContextManager[object]:
    """Attention of every network in slices as long as the context is open, in this thread alone."""
    return _SlicedAttention() if economical else nullcontext()


class _SlicedAttention(TorchFunctionMode):
    """Above the networks, not in them: there is nothing to put back, whichever processor a layer has."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.scaled_dot_product_attention:
            return _sliced(func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _sliced(
    attend: Attention,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **more: Any,
) -> torch.Tensor:
    """The answer for each row of `query` is its own, so rows can be asked for some at a time."""
    rows = query.shape[-2]
    if rows <= QUERIES or is_causal or dropout_p:  # text encoders alone see causally, and their rows are few
        return attend(query, key, value, attn_mask, dropout_p, is_causal, **more)
    parts = []
    for first in range(0, rows, QUERIES):
        asked = query[..., first : first + QUERIES, :]
        mask = attn_mask
        if mask is not None and mask.ndim > 1 and mask.shape[-2] == rows:
            mask = mask[..., first : first + QUERIES, :]
        parts.append(attend(asked, key, value, mask, **more))
    return torch.cat(parts, -2)


@contextmanager
def tiled(vae: nn.Module, width: int, height: int, *, economical: bool) -> Iterator[None]:
    """Let a VAE work tile by tile where the picture is very large, or memory is short. Sizes in pixels."""
    if not economical and width * height <= _WHOLE:
        yield
        return
    work: Any = vae
    before = {name: getattr(work, name) for name in _TILING}
    work.use_tiling = True
    if economical:
        pixels = 2 ** (len(work.config.block_out_channels) - 1)
        tile = tile_of(max(width, height) // pixels)
        work.tile_latent_min_size, work.tile_sample_min_size = tile, tile * pixels
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(work, name, value)


def tile_of(side: int) -> int:
    """The side of a tile for latents of this longer side: half of it, within what is of use."""
    half = -(-side // (2 * _EVEN)) * _EVEN
    return min(MOST_TILE, max(LEAST_TILE, half))
