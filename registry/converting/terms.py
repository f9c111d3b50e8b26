"""What the door and the children agree on. Imports no numpy: workers that never convert would carry it along."""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["full", "pruned_fp16"]
FULL: Final = "full"
PRUNED: Final = "pruned_fp16"

# Names in the children's folder.
RESULT: Final = "result.safetensors"
REPORT: Final = "report.json"

# A result larger than this many times its source is made of numbers that are shown many times over.
MAX_GROWTH: Final = 4
_ROOM: Final = 16 << 20


def most_bytes(source: int) -> int:
    """How large a result may be, header apart."""
    return MAX_GROWTH * source + _ROOM
