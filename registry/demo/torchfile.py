"""Files in the layout of `torch.save`, written without torch: a zip of a pickle and of the tensors' bytes.

The pickle is put together from opcodes (documented in Python's `pickletools`), with the two calls that every such
file makes: `torch._utils._rebuild_tensor_v2` and `collections.OrderedDict`.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final

from registry.demo.tensorfile import Tensor

_STORAGES: Final = {"F16": "HalfStorage", "F32": "FloatStorage", "I64": "LongStorage"}
_WIDTHS: Final = {"F16": 2, "F32": 4, "I64": 8}

Value = str | int | None | Tensor | Mapping[str | int, "Value"] | Sequence["Value"]


class _Pickler:
    """Values as opcodes of protocol 2; tensors are numbered as they come."""

    def __init__(self) -> None:
        self.out = bytearray(b"\x80\x02")
        self.tensors: list[Tensor] = []

    def finished(self, value: Value) -> bytes:
        self.put(value)
        return bytes(self.out) + b"."

    def put(self, value: Value) -> None:
        if value is None:
            self.out += b"N"
        elif isinstance(value, str):
            data = value.encode()
            self.out += b"X" + struct.pack("<I", len(data)) + data
        elif isinstance(value, int):
            self.out += b"J" + struct.pack("<i", value)
        elif isinstance(value, Tensor):
            self._put_tensor(value)
        elif isinstance(value, Mapping):
            self._put_mapping(value)
        else:
            self._put_list(value)

    def _put_mapping(self, value: Mapping[str | int, Value]) -> None:
        self.out += b"}("
        for key, item in value.items():
            self.put(key)
            self.put(item)
        self.out += b"u"

    def _put_list(self, value: Sequence[Value]) -> None:
        self.out += b"]("
        for item in value:
            self.put(item)
        self.out += b"e"

    def _put_tuple(self, values: Sequence[int]) -> None:
        self.out += b"("
        for value in values:
            self.put(value)
        self.out += b"t"

    def _put_tensor(self, tensor: Tensor) -> None:
        strides: list[int] = []
        step = 1
        for side in reversed(tensor.shape):
            strides.insert(0, step)
            step *= side
        self.out += b"ctorch._utils\n_rebuild_tensor_v2\n(("
        self.put("storage")
        self.out += f"ctorch\n{_STORAGES[tensor.dtype]}\n".encode()
        self.put(str(len(self.tensors)))
        self.put("cpu")
        self.put(len(tensor.data) // _WIDTHS[tensor.dtype])
        self.out += b"tQ"
        self.put(0)
        self._put_tuple(tensor.shape)
        self._put_tuple(strides)
        self.out += b"\x89ccollections\nOrderedDict\n)RtR"
        self.tensors.append(tensor)


def write_torch(value: Value, name: str) -> bytes:
    """The bytes of a file that `torch.load` reads, its folder inside called `name`."""
    pickler = _Pickler()
    program = pickler.finished(value)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        members = {"data.pkl": program, "byteorder": b"little"}
        members |= {f"data/{number}": tensor.data for number, tensor in enumerate(pickler.tensors)}
        members["version"] = b"3\n"
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}/{member}", (2026, 1, 1, 0, 0, 0)), data)
    return stream.getvalue()
