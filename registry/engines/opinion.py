"""What an engine answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_DETAILS: Final = 20
MAX_DETAIL: Final = 300
ANSWER: Final = "answer.json"  # where a child leaves what it found


class Outcome(StrEnum):
    """What came of asking: nothing found, something doubted, a hit, or no answer."""

    CLEAN = "clean"
    DOUBTED = "doubted"
    HIT = "hit"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Opinion:
    """One engine's answer about one file. `details` are what it named, or why it gave no answer."""

    engine: str
    version: str
    outcome: Outcome
    details: tuple[str, ...] = ()


def shown(details: list[str]) -> tuple[str, ...]:
    """Hostile words cut to what a page shows: printable, short, and not too many."""
    kept = ["".join(sign if sign.isprintable() else "�" for sign in detail[:MAX_DETAIL]) for detail in details]
    more = len(kept) - MAX_DETAILS
    return tuple(kept[:MAX_DETAILS]) + ((f"+{more}",) if more > 0 else ())
