"""Writes the pictures and their expected results: `python -m tests.data.imagemeta.make [FOLDER]`.

For each dialect at least: a plain picture, several samplers or passes, a truncated one, other scripts than Latin, and
prompts that look like the format itself. Everything is made up here; no picture is anybody's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.data.imagemeta import comfyui, others, suites, webui
from tests.data.imagemeta.case import Case

FOLDER = Path(__file__).parent / "samples"


def all_cases() -> list[Case]:
    """Every picture. No two share a name."""
    cases = [*webui.CASES, *comfyui.CASES, *suites.CASES, *others.CASES]
    names = [case.file for case in cases]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    return cases


def main(folder: Path = FOLDER) -> None:
    """Write all of them into a folder."""
    folder.mkdir(exist_ok=True)
    for case in all_cases():
        (folder / case.file).write_bytes(case.data)
        (folder / f"{case.file}.json").write_text(case.expected(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
