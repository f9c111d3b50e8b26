"""picklescan, run in a bounded child: it reads members whole, so that its memory is the file's to choose."""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

from registry.engines.opinion import ANSWER, Opinion, Outcome, shown
from registry.imaging.errors import PictureRefused, ReadingFailed
from registry.imaging.jail import Bounds, run_jailed

ENGINE: Final = "picklescan"
_BOUNDS: Final = Bounds(memory=2_000_000_000, cpu_seconds=120, wall_seconds=240)
_MAX_ANSWER: Final = 1 << 20
_SUFFIXES: Final = {"npy": ".npy", "npz": ".npz", "numpy": ".npy"}


def ask_picklescan(source: IO[bytes], format: str) -> Opinion:
    """Ask about a file on this machine's disk; `format` is what its content was found to be.

    picklescan chooses its reader by a file's ending, which an uploader chooses: it is given one that fits the content.
    """
    suffix = _SUFFIXES.get(format, ".bin" if format.startswith("torch") else "")
    engine_version = version("picklescan")
    with tempfile.TemporaryDirectory() as folder:
        try:
            run_jailed("registry.engines.picklescan_child:main", source, Path(folder), suffix, bounds=_BOUNDS)
            with (Path(folder) / ANSWER).open("rb") as file:
                answer = json.loads(file.read(_MAX_ANSWER))
        except PictureRefused as refusal:
            return Opinion(ENGINE, engine_version, Outcome.FAILED, shown([str(refusal)]))
        except (ReadingFailed, OSError, ValueError) as error:
            return Opinion(ENGINE, engine_version, Outcome.FAILED, shown([f"{type(error).__name__}: {error}"]))
    return _read(answer, engine_version)


def _read(answer: dict[str, Any], engine_version: str) -> Opinion:
    if answer["dangerous"]:
        return Opinion(ENGINE, engine_version, Outcome.HIT, shown(answer["dangerous"]))
    if answer["failed"]:
        return Opinion(ENGINE, engine_version, Outcome.FAILED, shown([answer["failed"]]))
    if answer["suspicious"]:
        return Opinion(ENGINE, engine_version, Outcome.DOUBTED, shown(answer["suspicious"]))
    return Opinion(ENGINE, engine_version, Outcome.CLEAN)
