"""Open a file of tensors, whatever it is packed in, one tensor at a time.

A `.safetensors` file is mapped and read by tensor. Anything else is torch's own format, read by its weights-only
reader, which builds tensors and plain containers and calls nothing that the file names. The content decides which of
both it is, not the name.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import torch
from safetensors import SafetensorError, safe_open

from inference.engine.errors import BadIngredient
from registry.formats.errors import MalformedFile
from registry.formats.safetensors import read_header

MAX_TENSORS: Final = 100_000
MAX_DEPTH: Final = 4  # containers inside containers, from the file's own to a tensor

# All that torch's weights-only reader was seen to raise for broken or foreign files.
_READ_FAULTS: Final = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class WeightFile:
    """The tensors of one open file. Shapes are known without reading; `tensor` reads one.

    Every fault is a BadIngredient of this file's `role` that names the file and, where there is one, the key.
    """

    def __init__(
        self, role: str, name: str, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str]
    ) -> None:
        self.role, self.name, self.shapes, self.metadata = role, name, shapes, metadata

    def refuse(self, code: str, **params: object) -> NoReturn:
        """Raise the BadIngredient that names this file."""
        raise BadIngredient(code, self.role, name=self.name, **params)

    def raw(self, key: str) -> torch.Tensor:
        """The tensor as stored, on the CPU."""
        raise NotImplementedError

    def tensor(self, key: str) -> torch.Tensor:
        """The tensor in float32 on the CPU. Refuses whole numbers and anything that is not finite."""
        stored = self.raw(key)
        if not stored.is_floating_point():
            self.refuse("wrong_dtype", key=key[:200], dtype=str(stored.dtype).removeprefix("torch."))
        value = stored.to(torch.float32)
        if not bool(torch.isfinite(value).all()):
            self.refuse("not_finite", key=key[:200])
        return value

    def flag(self, key: str) -> bool:
        """A tensor of one number, of any type, as yes or no."""
        if any(length != 1 for length in self.shapes[key]):
            self.refuse("wrong_shape", key=key[:200], shape=list(self.shapes[key]), expected=[1])
        return bool(self.raw(key).reshape(()))

    def scalar(self, key: str) -> float:
        """A tensor of one number, of any real type."""
        if any(length != 1 for length in self.shapes[key]):
            self.refuse("wrong_shape", key=key[:200], shape=list(self.shapes[key]), expected=[1])
        stored = self.raw(key)
        if stored.is_complex() or stored.dtype == torch.bool:
            self.refuse("wrong_dtype", key=key[:200], dtype=str(stored.dtype).removeprefix("torch."))
        value = float(stored.reshape(()).to(torch.float64))
        if value != value or value in (float("inf"), float("-inf")):
            self.refuse("not_finite", key=key[:200])
        return value


class _Mapped(WeightFile):
    """A safetensors file, mapped into memory."""

    handle: Any = None

    def raw(self, key: str) -> torch.Tensor:
        try:
            stored: torch.Tensor = self.handle.get_tensor(key)
        except (SafetensorError, *_READ_FAULTS):
            self.refuse("wrong_dtype", key=key[:200])
        return stored


class _Loaded(WeightFile):
    """Tensors that torch's reader has made."""

    tensors: Mapping[str, torch.Tensor] = {}

    def raw(self, key: str) -> torch.Tensor:
        return self.tensors[key].detach()


@contextmanager
def open_weights(path: Path, role: str, name: str) -> Iterator[WeightFile]:
    """Open the file at `path`. Raises BadIngredient (`unreadable_file`) when it is neither of both kinds."""
    if not is_safetensors(path):
        tensors = _flat(read_torch(path, role, name), role, name)
        loaded = _Loaded(role, name, {key: tuple(value.shape) for key, value in tensors.items()}, {})
        loaded.tensors = tensors
        yield loaded
        return
    shapes, metadata = _read_shapes(path, role, name)
    try:
        handle = safe_open(str(path), framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError) as fault:
        raise BadIngredient("unreadable_file", role, name=name, reason=str(fault)[:200]) from None
    mapped = _Mapped(role, name, shapes, metadata)
    with handle as mapped.handle:
        yield mapped


def is_safetensors(path: Path) -> bool:
    """Whether the file begins as a safetensors file does: eight bytes of length, then an object."""
    with path.open("rb") as stream:
        start = stream.read(9)
    return len(start) == 9 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size - 8


def read_torch(path: Path, role: str, name: str) -> Any:
    """What a file of torch's own format holds, by the weights-only reader; a zip archive is mapped, not copied."""
    try:
        is_zip = zipfile.is_zipfile(path)
        if is_zip:
            _refuse_packed(path)
        if path.suffix != ".safetensors":  # by that suffix torch would choose another reader, whatever the bytes say
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
        with path.open("rb") as stream:
            return torch.load(stream, map_location="cpu", weights_only=True)
    except _READ_FAULTS as fault:
        raise BadIngredient("unreadable_file", role, name=name, reason=_first_line(fault)) from None


def _refuse_packed(path: Path) -> None:
    """torch stores its members as they are; a compressed one could unpack to any size."""
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("a member of the archive is compressed")


def check_tensor(value: torch.Tensor, role: str, name: str, key: str) -> None:
    """Refuse a tensor that claims more numbers than the file gave it (a stride of 0 repeats one number for ever)."""
    if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
        raise BadIngredient("wrong_dtype", role, name=name, key=key[:200], dtype=str(value.layout))
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise BadIngredient("false_size", role, name=name, key=key[:200], shape=list(value.shape))


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]


def _read_shapes(path: Path, role: str, name: str) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    try:
        with path.open("rb") as stream:
            header = read_header(stream, path.stat().st_size)
    except MalformedFile as fault:
        raise BadIngredient("unreadable_file", role, name=name, reason=fault.message) from None
    return {tensor.name: tensor.shape for tensor in header.tensors}, header.metadata


def _flat(content: Any, role: str, name: str) -> dict[str, torch.Tensor]:
    """The tensors of a state dict, which may stand under `state_dict` and the like."""
    for _ in range(MAX_DEPTH):
        if not isinstance(content, dict):
            raise BadIngredient("unreadable_file", role, name=name, reason="no table of tensors")
        inner = next((content[key] for key in ("state_dict", "model") if isinstance(content.get(key), dict)), None)
        if inner is None:
            break
        content = inner
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
    if len(tensors) > MAX_TENSORS:
        raise BadIngredient("unreadable_file", role, name=name, reason="too many tensors")
    for key, value in tensors.items():
        check_tensor(value, role, name, key)
    return tensors
