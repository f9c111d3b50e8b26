"""The pictures that were made for the training: what they show, and their pixels."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.training.recipe import Recipe

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """A picture's name, keywords and style."""

    name: str
    keywords: tuple[str, ...]
    style: str


@dataclass(frozen=True)
class Catalog:
    """Pictures and their pixels (number, side, side, RGBA)."""

    pictures: tuple[Drawn, ...]
    pixels: Pixels

    def only(self, styles: Collection[str], names: Collection[str] | None = None) -> Catalog:
        """Those of some styles, and of some names if given. Raises ValueError where none is left."""
        kept = [
            place
            for place, picture in enumerate(self.pictures)
            if picture.style in styles and (names is None or picture.name in names)
        ]
        if not kept:
            raise ValueError(f"no picture of {sorted(names or ())} in {sorted(styles)}")
        return Catalog(tuple(self.pictures[place] for place in kept), self.pixels[kept])

    def on_white(self) -> Tensor:
        """The pictures on white paper: (number, 3, side, side) from -1 to 1."""
        return flattened(torch.from_numpy(self.pixels), torch.ones(1, 3, 1, 1))

    def chances(self, recipe: Recipe) -> npt.NDArray[np.float64]:
        """How often each picture is drawn; the sum is 1."""
        weights = [recipe.often.get(p.name, 1.0) * recipe.styles[p.style].share for p in self.pictures]
        return np.array(weights) / sum(weights)


def flattened(pixels: Tensor, paper: Tensor) -> Tensor:
    """RGBA pixels (number, side, side, 4) on paper of a color from 0 to 1: (number, 3, side, side) from -1 to 1."""
    image = pixels.float().div(255).permute(0, 3, 1, 2)
    opaque = image[:, 3:]
    return (image[:, :3] * opaque + paper * (1 - opaque)) * 2 - 1


def save_catalog(catalog: Catalog, work: Path) -> None:
    """Write it into the folder of a run."""
    np.savez_compressed(work / "pictures.npz", pixels=catalog.pixels)
    (work / "pictures.json").write_text(json.dumps([asdict(picture) for picture in catalog.pictures]))


def load_catalog(work: Path) -> Catalog:
    """The pictures of a run. Raises FileNotFoundError where none were made yet."""
    rows: list[dict[str, Any]] = json.loads((work / "pictures.json").read_text())
    pictures = tuple(Drawn(row["name"], tuple(row["keywords"]), row["style"]) for row in rows)
    with np.load(work / "pictures.npz") as arrays:
        return Catalog(pictures, arrays["pixels"])
