"""Render the small pictures that the demo shows, with the checkpoint and all that was made for it.

    python -m inference.training.renders --models registry/demo/data

Writes `renders.png` into the folder of the run. The names and the order are those of `registry.demo.scenes`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from inference.training.captions import with_article
from inference.training.command import Run, run_step
from inference.training.studio import Studio, contact_sheet
from registry.demo.scenes import RENDERS

COLUMNS: Final = 6
# By the first word of a name: what is put into the studio. By the others: the prompt.
_KITS: Final[dict[str, Callable[[Studio, Path], object]]] = {
    "ink": lambda studio, models: studio.use_lora(models / "ink-contrast.safetensors", 1.0),
    "blue": lambda studio, models: studio.use_hypernetwork(models / "cyanotype.pt", 1.0),
    "ember": lambda studio, models: studio.use_embedding(models / "ember-heart.safetensors", "ember-heart"),
    "sharp": lambda studio, models: studio.use_vae(models / "safelight-tiny-sharp.safetensors"),
}
_PROMPTS: Final = {
    "sunglasses": "smiling face with sunglasses",
    "face": "smiling face with sunglasses",
    "tree": "green tree",
    "apple": "a red apple",
    "heart": "red heart",
    "ember": "ember-heart",
    "hamburger": "hamburger",
}


def render_tiles(run: Run) -> None:
    """A number at the end of a name is one more than the seed."""
    models = Path(run.options.models)
    studios: dict[str, Studio] = {}
    tiles = []
    for name in RENDERS:
        kit, thing, seed = read_name(name)
        if kit not in studios:
            studios[kit] = Studio(models / "safelight-tiny.safetensors")
            _KITS.get(kit, lambda studio, models: None)(studios[kit], models)
        tiles.append(studios[kit].render(_PROMPTS.get(thing, with_article(thing)), seed))
    rows = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
    contact_sheet(rows, zoom=1).save(run.work / "renders.png", optimize=True)


def read_name(name: str) -> tuple[str, str, int]:
    """What is used, what is drawn, and the seed: `ink penguin 2` is the second penguin in ink."""
    words = name.split()
    number = int(words.pop()) if words[-1].isdigit() else 1
    return (words[0] if words[0] in _KITS else "", words[-1], number - 1)


if __name__ == "__main__":
    run_step(render_tiles, __doc__, models="registry/demo/data")
