"""The four verdicts and their order."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What may be done with a file. The gravest finding decides: safe < unreadable < check < blocked."""

    SAFE = "safe"
    UNREADABLE = "unreadable"
    CHECK = "check"
    BLOCKED = "blocked"

    @property
    def gravity(self) -> int:
        return _ORDER[self]


_ORDER = {Verdict.SAFE: 0, Verdict.UNREADABLE: 1, Verdict.CHECK: 2, Verdict.BLOCKED: 3}


def gravest(first: Verdict, second: Verdict) -> Verdict:
    return first if first.gravity >= second.gravity else second
