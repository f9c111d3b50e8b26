"""What runs inside the bounded child: picklescan on standard input. Never imported by anything that serves people."""

from __future__ import annotations

import codecs
import json
import logging
import os
from pathlib import Path
from typing import IO, Any

from picklescan.scanner import scan_bytes

from registry.engines.opinion import ANSWER

codecs.lookup("cp437")  # of names in old archives; could not be loaded once the folders are out of sight


def main(suffix: str) -> int:
    """Scan what standard input holds; the answer goes into the working folder. The exit status is 0."""
    logging.disable()
    with os.fdopen(os.dup(0), "rb") as source:
        answer = scanned(source, suffix)
    Path(ANSWER).write_text(json.dumps(answer))
    return 0


def scanned(source: IO[bytes], suffix: str) -> dict[str, Any]:
    """`dangerous` and `suspicious` imports by name, and why it failed, if it did."""
    try:
        result = scan_bytes(source, "file", suffix)
    except Exception as error:  # another's code on hostile bytes: whatever it raises is its answer
        return {"dangerous": [], "suspicious": [], "failed": f"{type(error).__name__}: {error}"[:500]}
    levels: dict[str, set[str]] = {"dangerous": set(), "suspicious": set()}
    for found in result.globals:
        levels.get(found.safety.value, set()).add(f"{found.module}.{found.name}")
    failed = "it could not read the file to its end" if result.scan_err else ""
    return {**{level: sorted(names)[:1000] for level, names in levels.items()}, "failed": failed}
