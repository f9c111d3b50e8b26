"""Tools to write pickles by hand: an assembler for streams that no program writes, a pickler for those torch does."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Iterable
from typing import Any

STOP = b"."
MARKER = "touch marker_of_a_loaded_pickle"  # the harmless payload: one empty file


def proto(number: int) -> bytes:
    return b"\x80" + bytes([number])


def text(value: str) -> bytes:
    """BINUNICODE, the string of protocol 1 and 2."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def short_text(value: str) -> bytes:
    """SHORT_BINUNICODE, the string of protocol 4."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(raw)]) + raw


def number(value: int) -> bytes:
    return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)


def import_text(module: str, name: str) -> bytes:
    """GLOBAL, the import by two lines of text."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def import_stack(module: str, name: str) -> bytes:
    """STACK_GLOBAL, the import by two strings on the stack."""
    return short_text(module) + short_text(name) + b"\x93"


def tuple_of(*parts: bytes) -> bytes:
    if not parts:
        return b")"
    if len(parts) <= 3:
        return b"".join(parts) + (b"\x85", b"\x86", b"\x87")[len(parts) - 1]
    return b"(" + b"".join(parts) + b"t"


def call(callee: bytes, *arguments: bytes) -> bytes:
    return callee + tuple_of(*arguments) + b"R"


def payload(protocol: int = 2) -> bytes:
    """The call that every malicious sample makes: the shell touches an empty file."""
    if protocol >= 4:
        return call(import_stack("posix", "system"), short_text(MARKER))
    return call(import_text("posix", "system"), text(MARKER))


def stream(body: bytes, protocol: int = 4) -> bytes:
    return proto(protocol) + body + STOP


class Ref:
    """A name to be written as an import, without there being such a module here."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


class Made:
    """What a call makes: the callee, its arguments, and what an honest writer would then give it."""

    def __init__(
        self,
        callee: Ref,
        *arguments: Any,
        state: Any = None,
        pairs: Iterable[tuple[Any, Any]] = (),
        new: bool = False,
    ) -> None:
        self.callee = callee
        self.arguments = arguments
        self.state = state
        self.pairs = list(pairs)
        self.new = new


class Stored:
    """A torch storage: written as a persistent id, its bytes kept beside the pickle."""

    def __init__(self, kind: str, key: str, numel: int, location: str = "cpu", module: str = "torch") -> None:
        self.kind = Ref(module, kind)
        self.key = key
        self.numel = numel
        self.location = location


class Writer(pickle._Pickler):  # type: ignore[name-defined]
    """Python's own pickler, taught the three classes above. `legacy` adds the view field to persistent ids."""

    dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: io.BytesIO, protocol: int, *, legacy: bool = False) -> None:
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages: dict[str, Stored] = {}

    def persistent_id(self, thing: Any) -> Any:
        if not isinstance(thing, Stored):
            return None
        self.storages[thing.key] = thing
        identity = ("storage", thing.kind, thing.key, thing.location, thing.numel)
        return (*identity, None) if self.legacy else identity

    def save_ref(self, thing: Ref) -> None:
        if self.proto >= 4:
            self.save(thing.module)
            self.save(thing.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(import_text(thing.module, thing.name))
        self.memoize(thing)

    def save_made(self, thing: Made) -> None:
        self.save(thing.callee)
        self.save(thing.arguments)
        self.write(pickle.NEWOBJ if thing.new else pickle.REDUCE)
        self.memoize(thing)
        if thing.pairs:
            self._batch_setitems(iter(thing.pairs))
        if thing.state is not None:
            self.save(thing.state)
            self.write(pickle.BUILD)

    dispatch[Ref] = save_ref
    dispatch[Made] = save_made


def dump(thing: Any, protocol: int = 2) -> bytes:
    held = io.BytesIO()
    Writer(held, protocol).dump(thing)
    return held.getvalue()


def dump_with_storages(thing: Any, protocol: int = 2, *, legacy: bool = False) -> tuple[bytes, dict[str, Stored]]:
    held = io.BytesIO()
    writer = Writer(held, protocol, legacy=legacy)
    writer.dump(thing)
    return held.getvalue(), writer.storages


# -- what torch writes --------------------------------------------------------------------------------------------

ORDERED = Ref("collections", "OrderedDict")
WIDTHS = {"FloatStorage": 4, "HalfStorage": 2, "LongStorage": 8, "BoolStorage": 1, "DoubleStorage": 8, "ByteStorage": 1}
WIDTHS |= {"BFloat16Storage": 2, "ComplexFloatStorage": 8, "QInt8Storage": 1, "IntStorage": 4, "UntypedStorage": 1}


def tensor(key: str, shape: tuple[int, ...], kind: str = "FloatStorage", location: str = "cpu") -> Made:
    """A contiguous tensor that fills its storage."""
    numel = 1
    strides = []
    for length in reversed(shape):
        strides.insert(0, numel)
        numel *= length
    storage = Stored(kind, key, numel, location)
    rebuild = Ref("torch._utils", "_rebuild_tensor_v2")
    return Made(rebuild, storage, 0, shape, tuple(strides), False, Made(ORDERED))


def ordered(pairs: Iterable[tuple[str, Any]], **state: Any) -> Made:
    return Made(ORDERED, pairs=pairs, state=state or None)
