"""A run of the training with few pictures and two steps for each network."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.training.catalog import Catalog, Drawn, Pixels, save_catalog
from inference.training.command import Run
from inference.training.recipe import read_recipe

CHECKPOINT = Path(__file__).parents[3] / "registry/demo/data/safelight-tiny.safetensors"
COLORS = {"red heart": "#e02020", "orange heart": "#f08020", "cat": "#d8a060", "rocket": "#8090c0"}


def disc(color: str) -> Pixels:
    """A disc of a color on transparent paper."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((8, 8, 56, 56), fill=color)
    return np.asarray(image)


@pytest.fixture
def catalog() -> Catalog:
    rows = [(name, style) for name in COLORS for style in ("flat", "3d", "contrast")]
    pictures = tuple(Drawn(name, ("love", "black sign"), style) for name, style in rows)
    pixels = np.stack([disc("#000000" if style == "contrast" else COLORS[name]) for name, style in rows])
    return Catalog(pictures, pixels)


@pytest.fixture
def run(tmp_path: Path, catalog: Catalog) -> Run:
    save_catalog(catalog, tmp_path)
    recipe = read_recipe()
    stages = {name: replace(stage, steps=2, batch=2) for name, stage in recipe.stages.items()}
    options = argparse.Namespace(
        checkpoint=str(CHECKPOINT), name="orange heart", like="red heart", start="", word="ember-heart"
    )
    return Run(tmp_path, replace(recipe, stages=stages), None, options)
