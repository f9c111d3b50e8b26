"""One picture of the corpus: its bytes, and what a reader should find in it, told from the facts that were put in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# Every field of a reading and what it is when the file does not say it.
NOTHING: dict[str, Any] = {
    "tool": "",
    "prompt": "",
    "negative": "",
    "seed": None,  # a text, so that no reader of JSON rounds it
    "steps": None,
    "sampler": "",
    "schedule": "",
    "cfg_scale": None,
    "width": None,
    "height": None,
    "clip_skip": None,
    "denoise": None,
    "resources": [],  # kind, name, weight, hash
    "version": "",
    "extra": {},
    "from_pixels": False,
}


@dataclass(frozen=True)
class Case:
    """`file` is its name, `blocks` the texts by place as they stand in it, `told` what they mean: None if nothing."""

    file: str
    shows: str
    data: bytes
    blocks: dict[str, str]
    told: dict[str, Any] | None
    hidden: str | None = field(default=None)

    def expected(self) -> str:
        """What is written beside the picture."""
        if self.told is not None and not self.told.keys() <= NOTHING.keys():
            raise KeyError(self.told.keys() - NOTHING.keys())
        told = None if self.told is None else NOTHING | self.told
        result = {"shows": self.shows, "generation": told, "blocks": self.blocks, "hidden": self.hidden}
        return json.dumps(result, ensure_ascii=True, indent=1) + "\n"


def resource(kind: str, name: str, weight: float | None = None, hashed: str = "") -> list[Any]:
    """A resource as the expected results write it."""
    return [kind, name, weight, hashed]
