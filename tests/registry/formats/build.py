"""Builds safetensors files and tensor lists for tests: real bytes, with every shape that a test asks for."""

import json
import struct
from collections.abc import Mapping, Sequence

from registry.formats.tensors import DTYPE_BITS, TensorInfo

Spec = Mapping[str, tuple[str, Sequence[int]]]  # name -> (dtype, shape)


def tensor_list(spec: Spec) -> tuple[TensorInfo, ...]:
    """The tensors laid end to end, as a writer would. No bytes exist, so shapes may be as large as real ones."""
    tensors, offset = [], 0
    for name, (dtype, shape) in spec.items():
        size = DTYPE_BITS[dtype]
        for length in shape:
            size *= length
        tensors.append(TensorInfo(name, dtype, tuple(shape), offset, offset + size // 8))
        offset += size // 8
    return tuple(tensors)


def header(spec: Spec, metadata: Mapping[str, str] | None = None) -> dict[str, object]:
    entries: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    for tensor in tensor_list(spec):
        entries[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [tensor.start, tensor.end],
        }
    return entries


def framed(text: bytes | str, data: bytes = b"") -> bytes:
    """A file whose header is exactly this text, right or wrong."""
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw + data


def safetensors_file(spec: Spec, metadata: Mapping[str, str] | None = None, fill: int = 0) -> bytes:
    size = max((tensor.end for tensor in tensor_list(spec)), default=0)
    return framed(json.dumps(header(spec, metadata)), bytes([fill]) * size)
