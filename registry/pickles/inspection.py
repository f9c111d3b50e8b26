"""One look at one file: where findings gather, what is still allowed to be unpacked, and who reads which container."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from registry.formats.facts import Fact
from registry.formats.sources import Region
from registry.pickles import evidence as ev
from registry.pickles.evidence import Collector, Evidence, fact
from registry.pickles.judging import Judge
from registry.pickles.machine import Budget
from registry.pickles.values import clean

MAX_LEVELS = 4
MAX_MEMBERS_LOOKED_AT = 10_000
MAX_UNFOLDED = 64 << 20  # of one member or compressed file
MAX_UNFOLDED_TOTAL = 128 << 20
MAX_UNFOLD_RATIO = 200
MAX_SKIPPED = 50


@dataclass(slots=True)
class Inspection:
    """The state of a scan. `members` that were looked at are counted over all levels."""

    judge: Judge
    verify_crc: bool = True
    on_progress: Callable[[int], None] | None = None
    budget: Budget = field(default_factory=Budget)
    collector: Collector = field(default_factory=Collector)
    skipped: list[str] = field(default_factory=list)
    unfolded: int = 0
    members: int = 0
    _out_of_time: bool = False

    def tell(self, evidence: Evidence, member: str = "") -> None:
        """Record something seen in a member ("" is the file itself)."""
        if member:
            evidence = evidence.inside(clean(member, 200))
        if not self.collector.add(evidence) and evidence.key in self.collector.kept:
            return
        self.judge.consider(evidence)

    def note(self, noticed: Fact, member: str = "") -> None:
        """Record what a container reader noticed."""
        self.tell(fact(noticed.code, dict(noticed.params), offset=noticed.offset), member)

    def say(
        self, code: str, /, *, member: str = "", offset: int | None = None, preview: str = "", **params: object
    ) -> None:
        """Record a fact of one's own."""
        self.tell(fact(code, params, offset=offset, preview=preview), member)

    def skip(self, what: str) -> None:
        """Remember what was not looked at, for the report."""
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(clean(what, 200))

    def is_out_of_time(self, member: str) -> bool:
        """Whether the time for the whole file is used up; the first to ask says so."""
        if time.monotonic() <= self.budget.deadline:
            return False
        if not self._out_of_time:
            self._out_of_time = True
            self.say("too_slow", member=member)
        self.skip(member)
        return True

    def may_look(self, inside: str) -> bool:
        """Whether one more member may be looked at; says so when there are too many or time is up."""
        self.members += 1
        if self.members == MAX_MEMBERS_LOOKED_AT:
            self.say("zip_too_many_members", count=f">{MAX_MEMBERS_LOOKED_AT}")
        if self.members >= MAX_MEMBERS_LOOKED_AT:
            self.skip(inside)
            return False
        return not self.is_out_of_time(inside)

    def progress(self, region: Region, offset: int) -> None:
        if self.on_progress is not None:
            self.on_progress(region.start + offset)


# How a container reader has its content judged: (inspection, content, member, level) -> the format's word
Inspect = Callable[[Inspection, Region, str, int], str]


def is_about_code(evidence: Evidence) -> bool:
    """Whether this is a call, not merely a name or an oddity."""
    return evidence.use in (ev.CALL, ev.OLD_CALL, ev.STATE, ev.ITEMS)
