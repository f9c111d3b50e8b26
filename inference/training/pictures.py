"""Make the pictures of the training from npm packages.

    npm install --ignore-scripts --prefix var/training PACKAGES…
    python -m inference.training.pictures --work var/training

The packages, their licenses and the versions that were used are named in README.md.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import resvg_py
from PIL import Image

from inference.training.catalog import Catalog, Drawn, Pixels, save_catalog
from inference.training.command import Run, run_step
from inference.training.sources import VECTOR_SETS, read_emoji, read_renders, read_vectors

SIDE: Final = 64
MARGIN: Final = 2
MIN_INK: Final = 0.03  # share of pixels; less is an empty drawing
logger = logging.getLogger(__name__)

Artist = Callable[[str], Image.Image | None]


def make_pictures(run: Run) -> None:
    """Draw every emoji in every style that has it."""
    packages = run.work / "node_modules"
    artists: dict[str, Artist] = {
        style: partial(_from_vector, read_vectors(packages, name)) for style, name in VECTOR_SETS.items()
    }
    artists["3d"] = partial(_from_file, read_renders(packages))
    drawn = list(_draw(packages, artists))
    save_catalog(Catalog(tuple(picture for picture, _ in drawn), np.stack([pixels for _, pixels in drawn])), run.work)
    logger.info("%d pictures", len(drawn))


def _draw(packages: Path, artists: dict[str, Artist]) -> Iterator[tuple[Drawn, Pixels]]:
    for emoji in read_emoji(packages):
        for style in sorted(artists):
            image = artists[style](emoji.code)
            if image is None:
                continue
            pixels = fitted(image)
            if (pixels[..., 3] > 40).mean() >= MIN_INK:
                yield Drawn(emoji.name, emoji.keywords, style), pixels


def _from_vector(vectors: dict[str, str], code: str) -> Image.Image | None:
    if code not in vectors:
        return None
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=vectors[code], width=4 * SIDE))))


def _from_file(files: dict[str, Path], code: str) -> Image.Image | None:
    return Image.open(files[code]) if code in files else None


def fitted(image: Image.Image) -> Pixels:
    """The image in a square of SIDE pixels with a margin; colors are averaged by how opaque they are."""
    image = image.convert("RGBA")
    side, inner = max(image.size), SIDE - 2 * MARGIN
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    small = square.convert("RGBa").resize((inner, inner), Image.Resampling.LANCZOS).convert("RGBA")
    paper = Image.new("RGBA", (SIDE, SIDE), (255, 255, 255, 0))
    paper.paste(small, (MARGIN, MARGIN))
    return np.asarray(paper)


if __name__ == "__main__":
    run_step(make_pictures, __doc__)
