"""The house's prompt sets as data: which prompts every version of a family is previewed with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_FILE: Final = Path(__file__).parent / "data" / "suites.toml"
WORDS: Final = "{words}"  # where trigger words go


@dataclass(frozen=True, slots=True)
class SuitePrompt:
    """One stored prompt with everything that its picture depends on beside the model. Sides in pixels."""

    prompt: str
    negative: str
    seed: int
    width: int
    height: int
    steps: int
    sampler: str
    schedule_type: str
    cfg_scale: float
    clip_skip: int = 1


def with_words(prompt: str, words: str) -> str:
    """The prompt with these words in their place; in front of it where it names none. No words: it stands alone."""
    lead = f"{words}, " if words.strip() else ""
    return prompt.replace(WORDS, lead) if WORDS in prompt else lead + prompt


def _suites() -> dict[str, tuple[SuitePrompt, ...]]:
    with _FILE.open("rb") as file:
        data = tomllib.load(file)
    return {family: _suite(row, data["lists"]) for family, row in data["families"].items()}


def _suite(row: Mapping[str, Any], lists: Mapping[str, list[Mapping[str, Any]]]) -> tuple[SuitePrompt, ...]:
    shared = {key: value for key, value in row.items() if key != "list"}
    return tuple(SuitePrompt(**{**shared, **entry}) for entry in lists[row["list"]])


HOUSE_SUITES: Final = MappingProxyType(_suites())
