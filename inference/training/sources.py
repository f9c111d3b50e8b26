"""Emoji in npm packages: vectors of two sets, pictures of a third, names and keywords.

`pictures` says which packages those are and under which licenses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VECTOR_SETS: Final = {"flat": "fluent-emoji-flat", "contrast": "fluent-emoji-high-contrast"}
_GROUPS: Final = {0, 1, 3, 4, 5, 6, 7}  # without parts of emoji, signs and flags
_PEOPLE: Final = 1
_JOINED: Final = "200D"
_CLOCKS: Final = re.compile(r"o’clock|-thirty|^keycap|^flag")
_OF_A_GENDER: Final = re.compile(r"(man|woman|men|women):? .+")
_KEYWORD: Final = re.compile(r"[a-z][a-z' -]{1,24}")
_QUOTES: Final = str.maketrans({"“": "", "”": "", "’": "'", ":": ""})


@dataclass(frozen=True)
class Emoji:
    """A sign with the code that names its picture in every set."""

    code: str
    name: str
    keywords: tuple[str, ...]


def plain_code(code: str) -> str:
    """A code without the selector that asks for colors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def read_emoji(packages: Path) -> Iterator[Emoji]:
    """Every emoji that shows a thing, a place, an animal or a face, each once."""
    rows = json.loads((packages / "emojibase-data/en/data.json").read_text())
    more: dict[str, list[str]] = json.loads((packages / "emojilib/dist/emoji-en-US.json").read_text())
    more = {sign.replace("\ufe0f", ""): words for sign, words in more.items()}
    for row in rows:
        if _is_wanted(row):
            name = row["label"].lower().translate(_QUOTES)
            words = [*row.get("tags", []), *more.get(row["emoji"].replace("\ufe0f", ""), [])]
            yield Emoji(plain_code(row["hexcode"]), name, tuple(_keywords(name, words))[:14])


def _is_wanted(row: dict[str, Any]) -> bool:
    name = row["label"].lower()
    if row.get("group") not in _GROUPS or _CLOCKS.search(name):
        return False
    variant = _JOINED in row["hexcode"] or _OF_A_GENDER.match(name)
    return not (row["group"] == _PEOPLE and variant)


def _keywords(name: str, words: list[str]) -> Iterator[str]:
    own = {name, *name.split()}
    for word in dict.fromkeys(word.replace("_", " ").lower() for word in words):
        if word not in own and _KEYWORD.fullmatch(word):
            yield word


def read_vectors(packages: Path, name: str) -> dict[str, str]:
    """Code to SVG for one set of `@iconify-json`."""
    folder = packages / "@iconify-json" / name
    icons = json.loads((folder / "icons.json").read_text())
    codes: dict[str, str] = json.loads((folder / "chars.json").read_text())
    found: dict[str, str] = {}
    for code, icon in codes.items():
        while icon in icons.get("aliases", {}):
            icon = icons["aliases"][icon]["parent"]
        if icon in icons["icons"]:
            found.setdefault(plain_code(code), _svg(icons["icons"][icon], icons))
    return found


def _svg(icon: dict[str, Any], defaults: dict[str, Any]) -> str:
    width, height = (icon.get(side, defaults.get(side, 16)) for side in ("width", "height"))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    body = icon["body"].replace("currentColor", "#000")
    return f'<svg {spaces} viewBox="{box}" width="{width}" height="{height}">{body}</svg>'


def read_renders(packages: Path) -> dict[str, Path]:
    """Code to picture file for the set that was rendered in three dimensions."""
    return {plain_code(path.stem): path for path in (packages / "@lobehub/fluent-emoji-3d/assets").glob("*.webp")}
