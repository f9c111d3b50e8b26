"""How good a checkpoint is: is the training picture that a render is nearest to one of the thing asked for?

    python -m inference.training.evaluation --checkpoint FILE

Writes `sheet.png`, which is worth more than the figures: six prompts with four seeds each.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.training.captions import with_article
from inference.training.catalog import Catalog, load_catalog
from inference.training.command import Run, run_step
from inference.training.studio import Studio, contact_sheet

SEEDS: Final = 4
CONCEPTS: Final = 64
NEAR: Final = 10
# What the demo promises, and the pictures that count as it.
PROMPTS: Final = {
    "a red apple": {"red apple"},
    "smiling face with sunglasses": {"smiling face with sunglasses"},
    "rocket": {"rocket"},
    "red heart": {"red heart"},
    "a cat": {"cat"},
    "green tree": {"deciduous tree", "evergreen tree"},
}
_COARSE: Final = 16
logger = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]


def evaluate(run: Run) -> None:
    """Log what came out."""
    studio = Studio(Path(run.options.checkpoint))
    pictures = load_catalog(run.work).only({"flat", "3d"}, run.recipe.concepts)
    known = _features_of(pictures)
    rows = []
    for prompt, names in PROMPTS.items():
        rows.append([studio.render(prompt, seed) for seed in range(SEEDS)])
        right = sum(_nearest(image, known, pictures)[0] in names for image in rows[-1])
        logger.info("%s: nearest is right for %d of %d seeds", prompt, right, SEEDS)
    contact_sheet(rows).save(run.work / "sheet.png")
    _recall(studio, pictures, known, run.recipe.seed)


def _recall(studio: Studio, pictures: Catalog, known: Features, seed: int) -> None:
    names = sorted({picture.name for picture in pictures.pictures})
    chosen = np.random.default_rng(seed).permutation(names)[:CONCEPTS]
    first = near = 0
    for name in chosen:
        found = _nearest(studio.render(with_article(name), 0), known, pictures)
        first += found[0] == name
        near += name in found
    logger.info("%d concepts: nearest is right for %d, among the %d nearest for %d", len(chosen), first, NEAR, near)


def features(image: Image.Image) -> Features:
    """A picture as 16 x 16 colors."""
    small = image.convert("RGB").resize((_COARSE, _COARSE), Image.Resampling.BOX)
    return np.asarray(small, np.float32).ravel()


def _features_of(pictures: Catalog) -> Features:
    white: Any = ((pictures.on_white().permute(0, 2, 3, 1) + 1) * 127.5).byte().numpy()
    return np.stack([features(Image.fromarray(pixels)) for pixels in white])


def _nearest(image: Image.Image, known: Features, pictures: Catalog) -> list[str]:
    distances = np.square(known - features(image)).sum(1)
    return [pictures.pictures[place].name for place in np.argsort(distances)[:NEAR]]


if __name__ == "__main__":
    run_step(evaluate, __doc__, checkpoint="registry/demo/data/safelight-tiny.safetensors")
