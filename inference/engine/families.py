"""What the engine can do with each family of base models. Imports neither torch nor Django: anybody may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Layout = Literal["unet", "flow"]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of base models that the engine renders.

    `layout` is "unet" (noise is predicted step by step, text is read through cross-attention) or "flow" (transformers
    that follow a flow). `pixels` is how many pixels of a side one latent stands for, `side_step` what both sides must
    be a multiple of, `native` the side in pixels that it was trained for. `dense` is the denoiser's parameters,
    `weights` those of everything. `teraflops` is what one call of the denoiser takes at the native size.
    """

    id: str
    layout: Layout
    pixels: int
    side_step: int
    native: int
    dense: float
    weights: float
    teraflops: float

    @property
    def is_unet(self) -> bool:
        """Whether our own loop renders it: all samplers, adapters of every kind, masks, a second pass."""
        return self.layout == "unet"


# Operations of one call with one picture, counted by torch on networks without numbers; parameters as the
# architectures' tables count them.
_ALL: Final = (
    Family("tiny", "unet", 4, 16, 64, 4.1e6, 5.6e6, 0.00048),
    Family("sd1", "unet", 8, 8, 512, 0.86e9, 1.07e9, 0.80),
    Family("sd2", "unet", 8, 8, 512, 0.87e9, 1.29e9, 0.80),
    Family("sdxl", "unet", 8, 8, 1024, 2.57e9, 3.47e9, 6.76),
    Family("sd3", "flow", 8, 16, 1024, 2.03e9, 7.7e9, 8.9),
    Family("flux1", "flow", 8, 16, 1024, 11.9e9, 16.9e9, 74.4),
)
FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.id: family for family in _ALL})

# Members of a family whose networks or noise the engine does not know.
FOREIGN_MEMBERS: Final = frozenset({"SDXL Distilled", "Playground v2.5", "SD 2.1 Unclip", "Flux.1 Kontext"})
# Velocity-predicting members whose tensors do not tell it.
VELOCITY_MEMBERS: Final = frozenset({"SD 2.0 768", "SD 2.1 768"})
