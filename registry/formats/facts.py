"""What a container reader noticed besides its contents: a code and the words that fill its sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a file's form that deserves a finding. The sentences are `registry.pickles.messages`."""

    code: str
    params: tuple[tuple[str, str], ...] = ()
    offset: int | None = None


def note(code: str, /, *, offset: int | None = None, **params: object) -> Fact:
    return Fact(code, tuple(sorted((key, str(value)[:400]) for key, value in params.items())), offset)
