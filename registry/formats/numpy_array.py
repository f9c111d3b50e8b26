"""The header of a `.npy` file, parsed as the literal it is, without evaluating anything.

A magic, two version bytes, a length, then a Python dictionary as text: `descr`, `fortran_order`, `shape`
(numpy/lib/format.py). An element type that holds objects means that a pickle follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry.formats.errors import MalformedFile
from registry.formats.literal import parse_literal
from registry.formats.sources import Region

MAX_HEADER_BYTES = 1 << 16
_PLAIN = re.compile(r"[<>|=]?([?bBiufcmMSaUVOtgFDLlhHqQpPeEdI])([0-9]*)(\[[^\]]*\])?")
_WIDTHS = {"?": 1, "b": 1, "B": 1}


@dataclass(frozen=True, slots=True)
class NumpyHeader:
    """Where the data begin, how many bytes they take, and whether they are a pickle instead."""

    data: int
    nbytes: int
    holds_objects: bool


def read_numpy_header(region: Region) -> NumpyHeader:
    """Read the header. Raises MalformedFile when it is cut, too long or no such dictionary."""
    prefix = region.at(0, 12)
    if len(prefix) < 12 or prefix[6] not in (1, 2, 3):
        raise MalformedFile("npy_version_unknown", "its version is unknown")
    width = 2 if prefix[6] == 1 else 4
    length = int.from_bytes(prefix[8 : 8 + width], "little")
    if length > MAX_HEADER_BYTES:
        raise MalformedFile("npy_header_too_long", f"it claims {length} bytes")
    text = region.at(8 + width, length)
    if len(text) < length:
        raise MalformedFile("npy_header_cut", "it ends early")
    header = parse_literal(text.decode("latin-1"))
    if not isinstance(header, dict) or not {"descr", "fortran_order", "shape"} <= set(header):
        raise MalformedFile("npy_header_wrong", "it is not the expected dictionary")
    size, objects = _measure(header["descr"], 0)
    return NumpyHeader(8 + width + length, size * _count(header["shape"]), objects)


def _count(shape: Any) -> int:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape) or len(shape) > 64:
        raise MalformedFile("npy_shape_wrong", "its shape is not a tuple of numbers")
    count = 1
    for length in shape:
        count *= length
        if count > 1 << 60:
            raise MalformedFile("npy_shape_wrong", "its shape is absurd")
    return count


def _measure(descr: Any, depth: int) -> tuple[int, bool]:
    """Bytes of an element and whether it holds objects, for plain and structured types."""
    if isinstance(descr, str):
        return _measure_plain(descr)
    if depth < 8 and isinstance(descr, tuple) and len(descr) == 2:
        size, objects = _measure(descr[0], depth + 1)
        shape = descr[1] if isinstance(descr[1], tuple) else (descr[1],)
        return size * _count(shape), objects
    if depth < 8 and isinstance(descr, list) and len(descr) <= 10_000:
        fields = [_measure_field(field, depth + 1) for field in descr]
        return sum(size for size, _ in fields), any(objects for _, objects in fields)
    raise MalformedFile("npy_dtype_wrong", "its element type is not understood")


def _measure_field(field: Any, depth: int) -> tuple[int, bool]:
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise MalformedFile("npy_dtype_wrong", "its element type is not understood")
    size, objects = _measure(field[1], depth)
    if len(field) == 3:
        size *= _count(field[2] if isinstance(field[2], tuple) else (field[2],))
    return size, objects


def _measure_plain(descr: str) -> tuple[int, bool]:
    """`<f4`, `|O`, `<U12` and their like. Any `O` counts as objects, so that no odd spelling hides a pickle."""
    match = _PLAIN.fullmatch(descr)
    if "O" in descr or descr.lower().startswith("object"):
        return 8, True
    if match is None or len(descr) > 40:
        raise MalformedFile("npy_dtype_wrong", "its element type is not understood")
    kind, digits, _unit = match.groups()
    width = int(digits[:9]) if digits else _WIDTHS.get(kind, 8)
    return width * (4 if kind == "U" else 1), False
