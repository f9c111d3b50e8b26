"""JSON as tools write it into pictures: bounded, and forgiving where a tool's own files need it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MAX_JSON: Final = 8 << 20
MAX_NESTING: Final = 100
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_TRAILING: Final = re.compile(r'("(?:[^"\\]++|\\.)*+")|,(?=\s{0,200}[}\]])', re.DOTALL)


def load_json(text: str) -> Any:
    """The value of a JSON text, or None if it is none, is too long or nests too deep.

    Bare NaN and Infinity are taken (ComfyUI writes them), and so is a comma before a closing bracket (SwarmUI's
    documentation has it). The values keep whole numbers whole, however long.
    """
    text = text.strip("\0 \t\r\n")
    if not text.startswith(("{", "[")) or len(text) > MAX_JSON or not _is_shallow(text):
        return None
    for attempt in (text, None):
        try:
            return json.loads(
                attempt if attempt is not None else _TRAILING.sub(lambda match: match[1] or "", text), strict=False
            )
        except ValueError:
            continue
    return None


def _is_shallow(text: str) -> bool:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_NESTING:
                return False
        elif match[0] in "]}":
            depth -= 1
    return True


def load_object(text: str) -> dict[str, Any] | None:
    """The same for a JSON object; anything else is None."""
    value = load_json(text)
    return value if isinstance(value, dict) else None


def listed(value: object) -> list[Any]:
    """A list, also from a text of comma-separated values; anything else is empty."""
    if isinstance(value, list):
        return value[:1000]
    if isinstance(value, str) and value.strip():
        return [part.strip() for part in value.split(",")][:1000]
    return []
