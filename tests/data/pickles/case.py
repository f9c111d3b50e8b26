"""One sample file: what it shows, and the verdicts that count as right."""

from __future__ import annotations

from dataclasses import dataclass

BLOCKED = ("blocked",)
CHECK = ("check",)
SAFE = ("safe",)
UNREADABLE = ("unreadable",)
NOT_SAFE = ("blocked", "check", "unreadable")
CAUGHT = ("blocked", "check")
STOPPED = ("blocked", "unreadable")


@dataclass(frozen=True)
class Case:
    """`name` is the file's name, `rule` one finding that must be among those given."""

    name: str
    shows: str
    data: bytes
    accept: tuple[str, ...]
    rule: str = ""
    format: str = ""

    @property
    def is_benign(self) -> bool:
        return self.accept == SAFE
