"""What a container reader noticed besides its contents: a code and the words that fill its sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_SAME = 100  # an archive may hold thousands of members, each with the same fault


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a file's form that deserves a finding. The sentences are `registry.pickles.messages`."""

    code: str
    params: tuple[tuple[str, str], ...] = ()
    offset: int | None = None


def note(code: str, /, *, offset: int | None = None, **params: object) -> Fact:
    return Fact(code, tuple(sorted((key, str(value)[:400]) for key, value in params.items())), offset)


class Notes:
    """Facts in the order they were noticed, at most `MAX_SAME` of a kind, so that many of one hide none of another."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._counts: Counter[str] = Counter()

    def append(self, fact: Fact) -> None:
        self._counts[fact.code] += 1
        if self._counts[fact.code] <= MAX_SAME:
            self._facts.append(fact)

    def extend(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.append(fact)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __bool__(self) -> bool:
        return bool(self._facts)
