"""Writes the sample files beside this script: `python -m tests.data.pickles.build [FOLDER]`.

Every class of file that the scanner knows is one of them, and every opcode is used. Payloads are harmless: they would
touch one empty file. A test compares the files with what this script makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.data.pickles import benign, files, gadgets, opcodes
from tests.data.pickles.case import Case

FOLDER = Path(__file__).parent / "samples"


def all_cases() -> list[Case]:
    cases = [*gadgets.CASES, *opcodes.CASES, *files.CASES, *benign.CASES]
    names = [case.name for case in cases]
    assert len(names) == len(set(names)), "two samples share a name"
    return cases


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    manifest = []
    for case in all_cases():
        (folder / case.name).write_bytes(case.data)
        manifest.append({"file": case.name, "shows": case.shows, "accept": case.accept})
    text = "[\n" + ",\n".join(json.dumps(row) for row in manifest) + "\n]\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
