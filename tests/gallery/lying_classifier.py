"""A classifier that leaves what is no score, as a child that was taken over might."""

from __future__ import annotations

from pathlib import Path


def main() -> int:
    """Leaves infinity."""
    Path("score.json").write_bytes(b'{"score": 1e999}')
    return 0
