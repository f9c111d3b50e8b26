"""The door: a source file goes in, a `.safetensors` that was compared with it comes out, or a reason why not."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from registry.converting.errors import ConversionFailed, ConversionRefused
from registry.converting.terms import REPORT, RESULT, Kind, most_bytes
from registry.imaging.errors import PictureRefused, ReadingFailed
from registry.imaging.jail import Bounds, run_jailed

MEMORY: Final = 1 << 30  # address space: Python and numpy take some 300 MB of it, and hold a tenth of that
_MAX_REPORT: Final = 16 << 20
_MAX_HEADER: Final = 128 << 20
_LEAST_SECONDS: Final = 60
_BYTES_A_SECOND: Final = 10_000_000  # a slow disk and a busy machine


@dataclass(frozen=True, slots=True)
class Converted:
    """The result as a file in the folder, what was done, and how the children were kept ("namespace" or "limits")."""

    path: Path
    report: dict[str, Any]
    kept: str


def room_for(size: int) -> int:
    """Bytes that a result may take on the disk."""
    return most_bytes(size) + _MAX_HEADER


def convert(source: IO[bytes], folder: Path, *, kind: Kind, source_sha256: str) -> Converted:
    """Convert an open file into `folder`, which is empty; then compare, in a child of its own.

    Raises ConversionRefused with the reason, ConversionFailed when this machine could not do it or the result differs.
    """
    size = os.fstat(source.fileno()).st_size
    bounds = _bounds(size)
    report, kept = _run("write", source, folder, bounds, kind, source_sha256)
    compared, _kept = _run("compare", source, folder, bounds, kind)
    if compared.get("compared") != report.get("tensors"):
        raise ConversionFailed("the comparison saw another number of tensors")
    path = folder / RESULT
    if path.is_symlink() or not path.is_file():
        raise ConversionFailed("the child left no result")
    return Converted(path, report, kept)


def _bounds(size: int) -> Bounds:
    seconds = _LEAST_SECONDS + size // _BYTES_A_SECOND
    return Bounds(memory=MEMORY, cpu_seconds=seconds, file_bytes=room_for(size), wall_seconds=4 * seconds)


def _run(work: str, source: IO[bytes], folder: Path, bounds: Bounds, *words: str) -> tuple[dict[str, Any], str]:
    try:
        kept = run_jailed(f"registry.converting.child:{work}", source, folder, *words, bounds=bounds)
    except PictureRefused as refusal:  # too_slow, too_much_memory, damaged
        raise ConversionRefused(refusal.code) from refusal
    except ReadingFailed as error:
        raise ConversionFailed(str(error)) from error
    answer = _answer(folder / REPORT)
    if "refused" in answer:
        raise ConversionRefused(str(answer["refused"])[:40], **_params(answer.get("params")))
    if "failed" in answer:
        raise ConversionFailed(str(answer["failed"])[:500])
    return answer, kept


def _params(given: object) -> dict[str, str | int]:
    if not isinstance(given, dict):
        return {}
    return {str(key)[:40]: value if isinstance(value, int) else str(value)[:500] for key, value in given.items()}


def _answer(path: Path) -> dict[str, Any]:
    """The child's report. One that was taken over could say anything: it is bounded, and the result is inspected."""
    try:
        with path.open("rb") as file:
            answer = json.loads(file.read(_MAX_REPORT))
        path.unlink()
    except (OSError, ValueError) as error:
        raise ConversionFailed(f"the child left no answer: {error}") from error
    if not isinstance(answer, dict):
        raise ConversionFailed("the child's answer is no object")
    return answer
