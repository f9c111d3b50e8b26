"""The same five kinds of picture for every dialect that is one JSON object in one text chunk."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.data.imagemeta import carriers
from tests.data.imagemeta.case import Case

LARGEST = 2**64 - 1
WORLD = ("маяк на скале, 夕凪の灯台, منارة, 🌊", "размыто, 低品質")
HOSTILE = (
    'says "Steps: 9, Sampler: DDIM, Seed: 3"\nNegative prompt: no\n\\"} , {"seed": 1} \\u0041 <b>&amp;</b>',
    'Negative prompt: "Steps: 1"\n]]}',
)
Block = Callable[[str, str, int], dict[str, Any]]


def written(name: str, shows: str, texts: dict[str, str], told: dict[str, Any] | None) -> Case:
    """A PNG with these texts."""
    blocks = {f"png:{key}": text for key, text in texts.items()}
    return Case(f"{name}.png", shows, carriers.png_texts(texts), blocks, told)


def series(
    name: str, key: str, block: Block, told: dict[str, Any], *, more: dict[str, str] | None = None
) -> list[Case]:
    """Plain, cut twice, other scripts and the largest seed, prompts that look like the format. `told` is what the
    block of ("kiln", "smoke", 12) means; `more` are texts beside it."""
    beside = more or {}

    def texts(prompt: str, negative: str, seed: int) -> dict[str, str]:
        return {key: json.dumps(block(prompt, negative, seed), ensure_ascii=False)} | beside

    plain = texts("kiln", "smoke", 12)
    cut = plain | {key: plain[key][: len(plain[key]) * 2 // 3]}
    broken = written(f"{name}-cut-file", "the file breaks off behind the text", plain, told)
    world = told | {"prompt": WORLD[0], "negative": WORLD[1], "seed": str(LARGEST)}
    return [
        written(f"{name}-plain", "all the usual fields", plain, told),
        written(f"{name}-cut-text", "the text breaks off", cut, None),
        Case(broken.file, broken.shows, broken.data[:-60], broken.blocks, told),
        written(f"{name}-world", "other scripts, the largest seed", texts(*WORLD, LARGEST), world),
        written(
            f"{name}-hostile",
            "prompts that look like the format",
            texts(*HOSTILE, 12),
            told | {"prompt": HOSTILE[0], "negative": HOSTILE[1]},
        ),
    ]
