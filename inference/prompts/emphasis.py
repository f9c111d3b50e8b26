"""How strongly each part of a prompt is meant: `(x)`, `((x))`, `[x]`, `(x:1.3)`, and `BREAK`.

The grammar is that of AUTOMATIC1111's web UI (modules/prompt_parser.py): `(x)` multiplies by 1.1, `[x]` divides by
1.1, `(x:1.3)` multiplies by 1.3; a backslash makes a bracket literal; an unclosed bracket reaches to the end; a
closing one without an opening is text. Round and square brackets need not nest in each other, so each kind keeps a
stack of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from inference.prompts.networks import number_text

STEP: Final = 1.1
MAX_PROMPT: Final = 100_000
# Weights are bounded: the product of many brackets must stay a number that a tensor can be multiplied by.
LIMIT: Final = 1e4

_TOKEN: Final = re.compile(
    r"\\[()\[\]\\]|[(\[)\]]|:[ \t]{0,8}[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})[ \t]{0,8}\)|[^\\()\[\]:]+|[\\:]"
)
_BREAK: Final = re.compile(r"\bBREAK\b")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text with one weight; `is_break` ends the chunk here and carries no text."""

    text: str
    weight: float = 1.0
    is_break: bool = False


@dataclass(slots=True)
class _Bracket:
    """An opening round bracket. What it multiplies by is known when it closes."""

    factor: float = STEP


def parse_emphasis(prompt: str) -> tuple[Part, ...]:
    """The prompt in parts of equal weight, left to right. Linear in the text.

    Raises ValueError if the prompt is longer than `MAX_PROMPT` characters.
    """
    if len(prompt) > MAX_PROMPT:
        raise ValueError(f"the prompt has {len(prompt)} characters; {MAX_PROMPT} are allowed")
    return _merged(_weighed(_events(prompt)))


def _events(prompt: str) -> list[tuple[str, str | _Bracket]]:
    """Texts and brackets in order. Closing brackets without an opening have become text."""
    events: list[tuple[str, str | _Bracket]] = []
    round_open: list[_Bracket] = []
    square_open = 0
    for sign in _TOKEN.findall(prompt):
        if sign == "(":
            round_open.append(_Bracket())
            events.append(("(", round_open[-1]))
        elif sign == "[":
            square_open += 1
            events.append(("[", ""))
        elif sign[-1] == ")" and sign[0] in ":)" and round_open:
            bracket = round_open.pop()
            if sign[0] == ":":
                bracket.factor = float(sign[1:-1])
            events.append((")", bracket))
        elif sign == "]" and square_open:
            square_open -= 1
            events.append(("]", ""))
        else:
            events.append(("text", sign[1:] if sign[0] == "\\" and len(sign) == 2 else sign))
    return events


def _weighed(events: list[tuple[str, str | _Bracket]]) -> list[Part]:
    parts: list[Part] = []
    rounds, squares = [1.0], 0
    for kind, value in events:
        if kind == "text":
            weight = _bounded(rounds[-1] * STEP**-squares)
            parts.extend(_broken(str(value), weight))
        elif isinstance(value, _Bracket):
            if kind == "(":
                rounds.append(_bounded(rounds[-1] * value.factor))
            else:
                rounds.pop()
        else:
            squares += 1 if kind == "[" else -1
    return parts


def _bounded(weight: float) -> float:
    return max(-LIMIT, min(LIMIT, weight))


def _broken(text: str, weight: float) -> list[Part]:
    """A text cut at each BREAK; the blanks around the word go with it."""
    pieces = _BREAK.split(text)
    parts = []
    for number, piece in enumerate(pieces):
        if number:
            parts.append(Part("", is_break=True))
            piece = piece.lstrip()
        if number < len(pieces) - 1:
            piece = piece.rstrip()
        if piece:
            parts.append(Part(piece, weight))
    return parts


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    merged: list[tuple[list[str], Part]] = []
    for part in parts:
        if merged and not part.is_break and not merged[-1][1].is_break and merged[-1][1].weight == part.weight:
            merged[-1][0].append(part.text)
        else:
            merged.append(([part.text], part))
    return tuple(Part("".join(texts), part.weight, part.is_break) for texts, part in merged) or (Part(""),)


def write_emphasis(parts: tuple[Part, ...]) -> str:
    """A prompt that reads back to parts of the same text and weight."""
    pieces = []
    for part in parts:
        if part.is_break:
            pieces.append(" BREAK ")
            continue
        text = re.sub(r"[()\[\]\\]", r"\\\g<0>", part.text)
        pieces.append(text if part.weight == 1 else f"({text}:{number_text(part.weight)})")
    return "".join(pieces)
