"""Prompts that change while they are rendered: `[a:b:0.5]`, `[b:5]`, `[a::5]`, `[a|b]`, and `AND`.

The grammar is that of AUTOMATIC1111's web UI. `when` with a dot is a share of the steps, without one a step number.
What is no valid form stays the text that it is: brackets without a partner, `[one:two`, `clock 12:30`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from inference.prompts.emphasis import MAX_PROMPT

MAX_DEPTH: Final = 50  # deeper brackets are literal text
MAX_STEPS: Final = 1_000
MAX_OUTPUT: Final = 2_000_000  # characters over all steps
_TOKEN: Final = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.DOTALL)
_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\s*\Z")
_AND: Final = re.compile(r"\bAND\b")
_WEIGHT: Final = re.compile(r"[ \t]*([+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\s*\Z")


@dataclass(slots=True)
class _Group:
    """What stands between a pair of brackets, cut at its own ":" and "|"."""

    opening: str
    segments: list[list[str | _Group]] = field(default_factory=lambda: [[]])
    signs: list[str] = field(default_factory=list)
    closing: str = ""

    def add(self, item: str | _Group) -> None:
        self.segments[-1].append(item)

    def cut(self, sign: str) -> None:
        self.signs.append(sign)
        self.segments.append([])


@dataclass(frozen=True, slots=True)
class Stage:
    """The text that holds up to and including step `last` (steps count from 1)."""

    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Strand:
    """One side of an `AND`: its text, and how strongly it pulls."""

    text: str
    weight: float = 1.0


def parse_schedule(prompt: str, steps: int) -> tuple[Stage, ...]:
    """The prompt's texts over `steps` steps. Raises ValueError where prompt, steps or the product are too large."""
    if len(prompt) > MAX_PROMPT or not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"a prompt of at most {MAX_PROMPT} characters and 1 to {MAX_STEPS} steps can be scheduled")
    root = _parse(prompt)
    ends = sorted(_ends(root, steps) | {steps})
    if len(ends) * len(prompt) > MAX_OUTPUT:
        raise ValueError(f"the prompt changes {len(ends)} times; over its length that is too much text")
    stages: list[Stage] = []
    for last in ends:
        text = _text_at(root, last, steps)
        if stages and stages[-1].text == text:
            stages[-1] = Stage(last, text)
        else:
            stages.append(Stage(last, text))
    return tuple(stages)


def split_strands(prompt: str) -> tuple[Strand, ...]:
    """The sides of `a AND b :1.2`, each with its weight."""
    strands = []
    for side in _AND.split(prompt):
        text, colon, last = side.rpartition(":")
        weight = _WEIGHT.match(last) if colon else None
        strands.append(Strand(text.strip(), float(weight[1])) if weight else Strand(side.strip()))
    return tuple(strands)


def _parse(prompt: str) -> _Group:
    stack = [_Group("")]
    for piece in _TOKEN.findall(prompt):
        top = stack[-1]
        if piece in "[(" and len(stack) <= MAX_DEPTH:
            stack.append(_Group(piece))
        elif piece in "])" and top.opening and (piece == "]") == (top.opening == "["):
            top.closing = piece
            stack.pop()
            stack[-1].add(top)
        elif piece == "]" and top.opening == "(" and any(group.opening == "[" for group in stack):
            while stack[-1].opening == "(":
                _give_up(stack)  # a round bracket that was never closed is text
            stack[-1].closing = piece
            stack[-2].add(stack.pop())
        elif piece in ":|" and top.opening:
            top.cut(piece)
        else:
            top.add(piece)
    while len(stack) > 1:
        _give_up(stack)
    return stack[0]


def _give_up(stack: list[_Group]) -> None:
    """The topmost bracket has no partner: it and its signs become text of the group below."""
    group = stack.pop()
    below = stack[-1]
    below.add(group.opening)
    for number, segment in enumerate(group.segments):
        if number:
            between = group.signs[number - 1]
            below.cut(between) if below.opening else below.add(between)
        below.segments[-1].extend(segment)


def _when(group: _Group, steps: int) -> int | None:
    """The last step of the first text, if the group is an edit: `[a:b:when]` or `[b:when]`."""
    if group.opening != "[" or set(group.signs) != {":"} or len(group.signs) > 2:
        return None
    last = group.segments[-1]
    match = _NUMBER.match("".join(item for item in last if isinstance(item, str)))
    if match is None or any(isinstance(item, _Group) for item in last):
        return None
    value = float(match[1])
    return min(steps, int(value * steps) if "." in match[1] else int(value))


def _is_alternation(group: _Group) -> bool:
    return group.opening == "[" and "|" in group.signs


def _ends(root: _Group, steps: int) -> set[int]:
    """Every step after which some text changes."""
    ends: set[int] = set()
    waiting: list[_Group] = [root]
    while waiting:
        group = waiting.pop()
        if _is_alternation(group):
            return set(range(1, steps + 1))
        when = _when(group, steps)
        if when is not None and when >= 1:
            ends.add(when)
        waiting.extend(item for segment in group.segments for item in segment if isinstance(item, _Group))
    return ends


def _text_at(group: _Group, step: int, steps: int) -> str:
    """The text of a group at a step. Groups nest at most MAX_DEPTH deep."""
    if _is_alternation(group):
        options = _options(group)
        return _joined(options[(step - 1) % len(options)], step, steps)
    when = _when(group, steps)
    if when is not None:
        before: list[str | _Group] = group.segments[0] if len(group.signs) == 2 else []
        return _joined(before if step <= when else group.segments[-2], step, steps)
    pieces = [_joined(group.segments[0], step, steps)]
    for sign, segment in zip(group.signs, group.segments[1:], strict=True):
        pieces += [sign, _joined(segment, step, steps)]
    return group.opening + "".join(pieces) + group.closing


def _options(group: _Group) -> list[list[str | _Group]]:
    """The choices of an alternation; a ":" between them is text."""
    options = [list(group.segments[0])]
    for sign, segment in zip(group.signs, group.segments[1:], strict=True):
        if sign == "|":
            options.append(list(segment))
        else:
            options[-1] += [sign, *segment]
    return options


def _joined(items: list[str | _Group], step: int, steps: int) -> str:
    return "".join(item if isinstance(item, str) else _text_at(item, step, steps) for item in items)
