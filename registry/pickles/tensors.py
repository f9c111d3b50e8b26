"""Names, shapes and types of the tensors in a torch file, read off its pickle without loading anything.

For recognizing what a checkpoint is. The machine walks the pickle and collects; tensors are the results of torch's
rebuild functions, and names the keys of the dictionaries on the way to them, joined by dots.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from registry.formats.errors import MalformedFile
from registry.formats.sources import CHUNK, Region, Source
from registry.formats.tensors import TensorInfo
from registry.formats.zip_archive import open_member, read_zip
from registry.pickles.machine import Budget, Machine
from registry.pickles.streams import TORCH_MAGIC
from registry.pickles.values import Global, Items, Result, Storage, Tuple, Value

MAX_PICKLE = 64 << 20
MAX_OPCODES = 2_000_000  # five thousand tensors take some 150,000
MAX_SECONDS = 20.0
MAX_TENSORS = 100_000
MAX_NAME = 1024
MAX_DEPTH = 8

# torch's storage types and newer element types in the words of `registry.formats.tensors`, with their bytes
TYPES = {
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
    "ComplexFloatStorage": ("C64", 8),
    "QInt8Storage": ("I8", 1),
    "QUInt8Storage": ("U8", 1),
    "QInt32Storage": ("I32", 4),
    "float8_e4m3fn": ("F8_E4M3", 1),
    "float8_e5m2": ("F8_E5M2", 1),
    "float8_e4m3fnuz": ("F8_E4M3FNUZ", 1),
    "float8_e5m2fnuz": ("F8_E5M2FNUZ", 1),
    "float8_e8m0fnu": ("F8_E8M0", 1),
    "uint16": ("U16", 2),
    "uint32": ("U32", 4),
    "uint64": ("U64", 8),
}
REBUILD = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"}
WRAPPED = {"_rebuild_parameter", "_rebuild_parameter_with_state"}


def read_tensors(stream: BinaryIO, size: int) -> tuple[TensorInfo, ...]:
    """The tensors of a torch zip or legacy file; none when it is neither.

    A checkpoint's `state_dict` (or `model`) is unwrapped; what lies beside it is left out. Offsets are those the
    tensors would have if written one after the other. Raises MalformedFile where the pickle breaks or is too large.
    """
    region = Region(stream, 0, size)
    value = _read_zip_pickle(region)
    if value is None:
        value = _read_legacy_pickle(region)
    if value is None:
        return ()
    return tuple(_place(_flatten(_unwrap(value), "", 0, set())))


def _read_zip_pickle(region: Region) -> Value | None:
    readings, _facts = read_zip(region)
    members = (m for reading in readings[:1] for m in reading.members)
    member = next((m for m in members if m.name == "data.pkl" or m.name.endswith("/data.pkl")), None)
    if member is None:
        return None
    source = open_member(region, member, MAX_PICKLE + 1)
    if source is None or member.size > MAX_PICKLE:
        raise MalformedFile("pickle_unreadable", "The file's pickle is encrypted, packed oddly or too large.")
    held = io.BytesIO()
    while len(data := source.read(CHUNK)):
        held.write(data)
    return _walk(_machine(Region(held, 0, held.tell()).window(), torch=True))


def _read_legacy_pickle(region: Region) -> Value | None:
    if region.at(0, 1) != b"\x80":
        return None
    machine = _machine(region.window(), torch=False)
    if not machine.run() or machine.value != TORCH_MAGIC:
        return None
    machine.torch = True
    value: Value | None = None
    for _part in ("protocol", "system", "object"):
        value = _walk(machine)
    return value


def _machine(source: Source, *, torch: bool) -> Machine:
    return Machine(source, lambda evidence: None, torch=torch, collect=True, budget=Budget(MAX_OPCODES, MAX_SECONDS))


def _walk(machine: Machine) -> Value | None:
    if not machine.run():
        raise MalformedFile("pickle_broken", "The file's pickle breaks off.")
    return machine.value


# -- from values to tensors ---------------------------------------------------------------------------------------


def _unwrap(value: Value) -> Value:
    """The state dict inside the usual wrappings."""
    for _layer in range(MAX_DEPTH):
        inner = dict(_pairs(value))
        state = inner.get("state_dict")
        model = inner.get("model")
        if state is not None and _pairs(state):
            value = state
        elif model is not None and any(_tensor(part) for _name, part in _pairs(model)):
            value = model
        else:
            break
    return value


def _pairs(value: Value) -> list[tuple[str, Value]]:
    """What a container holds, by name; nothing for anything else."""
    if isinstance(value, Result):
        return _pairs_of_result(value)
    if isinstance(value, Tuple):
        return [(str(number), item) for number, item in enumerate(value.items)]
    if not isinstance(value, Items) or value.entries is None:
        return []
    if value.kind == "dict":
        keys = zip(value.entries[::2], value.entries[1::2], strict=False)
        return [(str(key), item) for key, item in keys if isinstance(key, str | int)]
    return [(str(number), item) for number, item in enumerate(value.entries)]


def _pairs_of_result(value: Result) -> list[tuple[str, Value]]:
    """Items of an OrderedDict and its kind; the parameters, buffers and parts of a pickled module."""
    if value.items is not None:
        return _pairs(value.items)
    if not isinstance(value.state, Items):
        return []
    parts = dict(_pairs(value.state))
    return [pair for name in ("_parameters", "_buffers", "_modules") if name in parts for pair in _pairs(parts[name])]


def _flatten(value: Value, name: str, depth: int, entered: set[int]) -> Iterator[tuple[str, str, int, tuple[int, ...]]]:
    """Every tensor below a value as (name, type, bytes of an element, shape). A container is entered once."""
    found = _tensor(value)
    if found is not None:
        yield (name, *found)
        return
    if depth > MAX_DEPTH or id(value) in entered:
        return
    entered.add(id(value))
    for part, inner in _pairs(value):
        yield from _flatten(inner, f"{name}.{part}" if name else part, depth + 1, entered)


def _tensor(value: Value) -> tuple[str, int, tuple[int, ...]] | None:
    for _layer in range(4):
        if not isinstance(value, Result):
            return None
        callee, arguments = value.callee, value.arguments
        if not isinstance(callee, Global) or not isinstance(arguments, Tuple) or not arguments.items:
            return None
        if callee.name in REBUILD:
            return _rebuilt(arguments)
        if callee.name in WRAPPED:
            value = arguments.items[0]
        elif callee.name == "_rebuild_from_type_v2" and len(arguments.items) > 2:
            value = Result(arguments.items[0], arguments.items[2])
        else:
            return None
    return None


def _rebuilt(arguments: Tuple) -> tuple[str, int, tuple[int, ...]] | None:
    """Type and shape from `(storage, offset, shape, strides, …[, type])`."""
    if len(arguments.items) < 4:
        return None
    storage, _offset, shape = arguments.items[:3]
    if not isinstance(storage, Storage) or not isinstance(shape, Tuple) or shape.length != len(shape.items):
        return None
    lengths = tuple(item for item in shape.items if isinstance(item, int) and 0 <= item < 1 << 40)
    kinds = [item.name for item in arguments.items[4:] if isinstance(item, Global)]
    kind = kinds[0] if kinds else storage.kind
    if len(lengths) != shape.length or kind not in TYPES:
        return None
    return (*TYPES[kind], lengths)


def _place(found: Iterator[tuple[str, str, int, tuple[int, ...]]]) -> Iterator[TensorInfo]:
    position = 0
    for count, (name, dtype, width, shape) in enumerate(found):
        if count >= MAX_TENSORS:
            raise MalformedFile("too_many_tensors", f"The file holds more than {MAX_TENSORS} tensors.")
        size = width
        for length in shape:
            size *= length
        name = name.encode("utf-8", "replace").decode("utf-8")
        if len(name) <= MAX_NAME and size < 1 << 50:
            yield TensorInfo(name, dtype, shape, position, position + size)
            position += size
