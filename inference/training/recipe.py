"""The recipe as data, and where the files of a run lie."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
LAYOUT: Final = HERE.parent / "engine" / "architectures" / "tiny"
"""Configurations and tokenizer of Safelight Tiny, as the engine ships them."""


@dataclass(frozen=True)
class Stage:
    """How long and how fast one network is trained.

    `rate` is the learning rate after the warm-up, `decay` the last share of the steps over which it falls to nothing,
    `average` how much of the running average of the weights stays at each step (0: no average is kept).
    """

    steps: int
    batch: int
    rate: float
    decay: float
    average: float = 0.0
    warmup: int = 50


@dataclass(frozen=True)
class Style:
    """A way of drawing: what captions call it, how often they do, and how often its pictures are drawn."""

    words: tuple[str, ...]
    named: float
    share: float


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a run gives, besides the data and the machine."""

    seed: int
    stages: dict[str, Stage]
    styles: dict[str, Style]
    often: dict[str, float]
    aliases: dict[str, tuple[str, ...]]
    concepts: frozenset[str]


def read_recipe(folder: Path = HERE) -> Recipe:
    """The recipe in `recipe.toml` and `concepts.txt`. Raises KeyError or TypeError for a line that is not known."""
    with (folder / "recipe.toml").open("rb") as file:
        rows: dict[str, Any] = tomllib.load(file)
    return Recipe(
        seed=rows["seed"],
        stages={name: Stage(**row) for name, row in rows["stages"].items()},
        styles={name: Style(tuple(row["words"]), row["named"], row["share"]) for name, row in rows["styles"].items()},
        often=rows["often"],
        aliases={name: tuple(words) for name, words in rows["aliases"].items()},
        concepts=frozenset((folder / "concepts.txt").read_text().split("\n")) - {""},
    )
