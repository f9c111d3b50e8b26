"""What a picture is called while a network learns: its name, plainer names, some keywords, its style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from inference.training.catalog import Drawn
from inference.training.recipe import Recipe

EMPTY: Final = 0.1
# The keywords of a red heart hold "black" (its sign is the heavy black heart), and a network believes them.
_COLORS: Final = frozenset("red orange yellow green blue purple pink brown black white grey gray".split())


def with_article(name: str) -> str:
    """The name as people ask for one of it."""
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def fitting_keywords(picture: Drawn) -> list[str]:
    """Keywords that do not name a color which the picture's own name does not."""
    wrong = _COLORS - set(picture.name.split())
    return [word for word in picture.keywords if not wrong & set(word.split())]


def caption(picture: Drawn, recipe: Recipe, draw: np.random.Generator, *, named: float | None = None) -> str:
    """One of many captions. `named` is how often the style is said; without it, as the recipe says."""
    style = recipe.styles[picture.style]
    words = _subject(picture, recipe.aliases.get(picture.name, ()), draw)
    if draw.random() < (style.named if named is None else named):
        words += f", {style.words[draw.integers(len(style.words))]}"
    return words


def drawn_texts(
    pictures: Sequence[Drawn], chosen: Iterable[int], recipe: Recipe, draw: np.random.Generator
) -> list[str]:
    """A caption for each chosen picture; some are left empty, which is what guidance compares with."""
    return ["" if draw.random() < EMPTY else caption(pictures[place], recipe, draw) for place in chosen]


def _subject(picture: Drawn, aliases: tuple[str, ...], draw: np.random.Generator) -> str:
    keywords = fitting_keywords(picture)
    draw.shuffle(keywords)
    chance = draw.random()
    if aliases and chance < 0.35:
        return aliases[draw.integers(len(aliases))]
    if chance < 0.45:
        return picture.name
    if chance < 0.75 or not keywords:
        return with_article(picture.name)
    if chance < 0.95:
        return ", ".join([picture.name, *keywords[: draw.integers(1, 4)]])
    return " ".join(keywords[:4])
