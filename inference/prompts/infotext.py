"""The parameters text that AUTOMATIC1111's web UI writes into pictures and that the whole field reads.

    a photo of (cat:1.2), <lora:foo:0.8>
    Negative prompt: blurry
    Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 1, Size: 512x768, Hashes: {"model": "6ce0161689"}

The last block is one line of `Key: value` pairs that begins with `Steps: `; a value with a comma, a colon or a line
break stands in JSON quotes, `Hashes` and `Civitai resources` are raw JSON. Source: modules/infotext_utils.py there;
that readers look for a line that begins with `Steps: ` and want three pairs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_TEXT: Final = 4_000_000  # more than any picture carries with reason
MAX_PAIRS: Final = 400
MAX_STARTS: Final = 64
MAX_NESTING: Final = 32
LEAST_PAIRS: Final = 3
NEGATIVE: Final = "Negative prompt:"
RAW_KEYS: Final = frozenset({"Hashes", "Civitai resources", "Civitai metadata"})

_START: Final = re.compile(r"^Steps: ", re.MULTILINE)
_KEY: Final = re.compile(r"[ \t\r\n]{0,8}(\w[\w \-/+.]{0,79}):[ \t]{0,8}")
_QUOTED: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BARE: Final = re.compile(r"[^,\n]*+")
_END: Final = re.compile(r"[ \t]{0,8}(,|\n|\r\n|\Z)")
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_ORDER: Final = (
    "Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed", "Face restoration", "Size",
    "Model hash", "Model", "VAE hash", "VAE", "Variation seed", "Variation seed strength", "Seed resize from",
    "Denoising strength", "Clip skip", "ENSD", "Token merging ratio", "Init image hash", "RNG", "NGMS", "Tiling",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Infotext:
    """A picture's parameters as text says them. Values are texts, so that a seed keeps every digit."""

    prompt: str = ""
    negative: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def read_infotext(text: str) -> Infotext:
    """Take a parameters text apart, in time linear in it. A text without parameters is all prompt.

    Raises ValueError if it is longer than `MAX_TEXT` characters.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"the parameters have {len(text)} characters; {MAX_TEXT} are allowed")
    start, fields = _parameters(text)
    prompt, negative = _prompts(text[:start])
    return Infotext(prompt, negative, fields)


def write_infotext(infotext: Infotext) -> str:
    """The text that reads back to an equal Infotext. `Steps` comes first, then the field's usual order."""
    known = [key for key in _ORDER if key in infotext.fields]
    keys = known + [key for key in infotext.fields if key not in _ORDER]
    pairs = ", ".join(f"{key}: {_written(key, infotext.fields[key])}" for key in keys)
    negative = f"{NEGATIVE} {infotext.negative}" if infotext.negative else ""
    return "\n".join(part for part in (infotext.prompt, negative, pairs) if part)


def _written(key: str, value: str) -> str:
    if key in RAW_KEYS:
        return value
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,:\n"]', value) or value != value.strip() else value


class _Budget:
    """How many characters may still be looked at in search of a bracket's end. Brackets that never close would each
    be looked for up to the end of the text."""

    def __init__(self, left: int) -> None:
        self.left = left


def _parameters(text: str) -> tuple[int, dict[str, str]]:
    """Where the parameters begin, and what they are: the first start whose pairs reach to the text's end.

    A prompt may hold a line that looks like parameters; only the real ones have nothing after them. Where something
    odd follows them, it is the last line that looks right.
    """
    found: tuple[int, dict[str, str]] = len(text), {}
    budget = _Budget(4 * len(text))
    for start in [match.start() for match in _START.finditer(text)][-MAX_STARTS:]:
        fields, end = _pairs(text, start, budget)
        if len(fields) >= LEAST_PAIRS:
            found = start, fields
            if not text[end : end + 200].strip():
                break
    return found


def _pairs(text: str, position: int, budget: _Budget) -> tuple[dict[str, str], int]:
    """`Key: value` pairs from `position` up to a line break that stands in no quotes."""
    fields: dict[str, str] = {}
    while len(fields) < MAX_PAIRS and (key := _KEY.match(text, position)):
        value, position = _value(text, key.end(), budget)
        end = _END.match(text, position)
        if end is None:  # a quoted text with something behind it: bare after all
            bare = _BARE.match(text, key.end())
            position = bare.end() if bare else position
            value, end = text[key.end() : position].strip(), _END.match(text, position)
        fields.setdefault(key[1].strip(), value)
        if end is None or end[1] != ",":
            break
        position = end.end()
    return fields, position


def _value(text: str, position: int, budget: _Budget) -> tuple[str, int]:
    sign = text[position : position + 1]
    if sign == '"' and (quoted := _QUOTED.match(text, position)):
        return _unquoted(quoted[0]), quoted.end()
    if sign in ("{", "["):
        end = _structure_end(text, position, budget)
        if end is not None:
            return text[position:end], end
    bare = _BARE.match(text, position)
    end = bare.end() if bare else position
    return text[position:end].strip(), end


def _unquoted(quoted: str) -> str:
    try:
        value = json.loads(quoted, strict=False)
    except ValueError:
        return quoted[1:-1]  # quotes that are not JSON's: the words between them are still the words
    return str(value)


def _structure_end(text: str, position: int, budget: _Budget) -> int | None:
    """Where the JSON object or list that begins at `position` closes; None if it does not."""
    depth, last = 0, min(len(text), position + budget.left)
    for match in _STRUCTURE.finditer(text, position, last):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        if depth == 0 or depth > MAX_NESTING:
            budget.left -= match.end() - position
            return match.end() if depth == 0 else None
    budget.left -= last - position
    return None


def _prompts(text: str) -> tuple[str, str]:
    """Prompt and negative prompt. The negative begins at the last line that says so."""
    marker = "\n" + NEGATIVE
    text = text.strip("\n")
    if text.startswith(NEGATIVE) and marker not in text:
        return "", text[len(NEGATIVE) :].strip()
    prompt, found, negative = text.rpartition(marker)
    return (prompt.strip(), negative.strip()) if found else (text.strip(), "")
