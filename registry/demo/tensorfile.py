"""Tensors in safetensors files, as bytes: read, renamed and written without a number being touched."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_WIDTHS: Final = {"F16": 2, "F32": 4, "I64": 8}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: type and shape in the words of the format, and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != math.prod(self.shape) * _WIDTHS[self.dtype]:
            raise ValueError(f"{len(self.data)} bytes are no {self.dtype} of shape {self.shape}")

    def reshaped(self, *shape: int) -> Tensor:
        """The same numbers in another shape."""
        return Tensor(self.dtype, shape, self.data)


def read_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file of our own; a foreign one is the inspection's business."""
    (length,) = struct.unpack_from("<Q", data)
    rows = json.loads(data[8 : 8 + length])
    metadata = rows.pop("__metadata__", {})
    body = memoryview(data)[8 + length :]
    tensors = {
        name: Tensor(row["dtype"], tuple(row["shape"]), bytes(body[slice(*row["data_offsets"])]))
        for name, row in rows.items()
    }
    return tensors, metadata


def write_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file. Equal content is equal bytes: names are sorted, the widest types come first."""
    order = sorted(tensors, key=lambda name: (-_WIDTHS[tensors[name].dtype], name))
    rows: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    at = 0
    for name in order:
        tensor = tensors[name]
        rows[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(tensor.data)],
        }
        at += len(tensor.data)
    header = json.dumps(rows, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + b"".join(tensors[name].data for name in order)
