"""One tensor of a torch file: which numbers of which storage it is, read off the call that would rebuild it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from registry.converting.errors import ConversionRefused
from registry.pickles.streams import ELEMENT_BYTES
from registry.pickles.tensors import TYPES
from registry.pickles.values import NONE, Global, Items, Result, Storage, Tuple, Value

_REBUILD: Final = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"})
_WRAPPED: Final = frozenset({"_rebuild_parameter", "_rebuild_parameter_with_state"})
_WRAPPINGS: Final = 4
_MAX_ELEMENTS: Final = 1 << 48
_MAX_SEARCHED: Final = 2_000
# In a call of `_rebuild_tensor_v2` or `_v3`, behind (storage, offset, shape, strides, requires_grad, hooks).
_EXTRA: Final = 6


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as numbers of a storage. Offset and strides count elements of `width` bytes."""

    name: str
    dtype: str
    width: int
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage_bytes: int

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes that it takes when written out."""
        return self.elements * self.width

    @property
    def end(self) -> int:
        """The element behind the last that it touches; `offset` where it is empty."""
        if not self.elements:
            return self.offset
        last = sum((length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True))
        return self.offset + last + 1

    @property
    def is_plain(self) -> bool:
        """Whether its numbers lie in the storage as they will lie in the file."""
        expected = 1
        for length, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if length != 1 and stride != expected:
                return False
            expected *= length
        return True


def read_view(value: Value, name: str) -> View | None:
    """The tensor that a value is, or None. Raises ConversionRefused for one that safetensors or we cannot say."""
    for _layer in range(_WRAPPINGS):
        if isinstance(value, Storage):
            raise ConversionRefused("form", tensor=name, form="storage")
        if not isinstance(value, Result) or not isinstance(value.callee, Global):
            return None
        callee, arguments = value.callee, value.arguments
        items = arguments.items if isinstance(arguments, Tuple) else ()
        if callee.module == "torch._utils" and callee.name in _REBUILD:
            return _view(items, name, callee.name)
        if callee.name in _WRAPPED and items:
            value = items[0]
        elif callee.name == "_rebuild_from_type_v2" and len(items) > 2:
            value = Result(items[0], items[2])
        else:
            return None
    return None


def refuse_hidden(value: Result, name: str) -> None:
    """Raise where something that is no tensor to us holds numbers all the same: none may be lost in silence."""
    form = value.callee.path if isinstance(value.callee, Global) else ""
    if form.rpartition(".")[2].startswith("_rebuild"):
        raise ConversionRefused("form", tensor=name, form=form)
    waiting: list[Value | None] = [value.arguments, value.state]
    for _step in range(_MAX_SEARCHED):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part, Storage):
            raise ConversionRefused("form", tensor=name, form=form)
        if isinstance(part, Tuple):
            waiting.extend(part.items)
        elif isinstance(part, Items):
            waiting.extend(part.entries or ())
        elif isinstance(part, Result):
            waiting.extend((part.arguments, part.state, part.items))
    raise ConversionRefused("too_complex")


def _view(items: tuple[Value, ...], name: str, form: str) -> View:
    if len(items) < 4 or not isinstance(items[0], Storage):
        raise ConversionRefused("form", tensor=name, form=form)
    storage, offset = items[0], items[1]
    shape, strides = _counts(items[2]), _counts(items[3])
    if not isinstance(offset, int) or offset < 0 or shape is None or strides is None or len(shape) != len(strides):
        raise ConversionRefused("form", tensor=name, form=form)
    if storage.is_view:
        raise ConversionRefused("storage_view")
    dtype, width = _number_type(storage, items, name, form)
    size = storage.numel * ELEMENT_BYTES.get(storage.kind, 0)
    view = View(name, dtype, width, storage.key, offset, shape, strides, size)
    if view.elements > _MAX_ELEMENTS or (view.elements and view.end * width > size):
        raise ConversionRefused("outside", tensor=name)
    return view


def _number_type(storage: Storage, items: tuple[Value, ...], name: str, form: str) -> tuple[str, int]:
    """Type and width of a number. Raises for quantized ones, whose meaning stands elsewhere, and for unsaid types."""
    extra = items[_EXTRA:]
    kind = storage.kind
    if form == "_rebuild_tensor_v3":
        given = extra[0] if extra else None
        kind = given.name if isinstance(given, Global) and given.module == "torch" else "unknown"
        extra = extra[1:]
    # Marks of a tensor that is to be read negated or conjugated.
    if any(part is not NONE and not (isinstance(part, Items) and not part.entries) for part in extra):
        raise ConversionRefused("form", tensor=name, form=form)
    if kind not in TYPES or kind.startswith("Q"):
        raise ConversionRefused("dtype", tensor=name, dtype=kind)
    return TYPES[kind]


def _counts(value: Value) -> tuple[int, ...] | None:
    """Lengths or strides; None where one is no count or the tuple was too long to be held. `torch.Size` wraps one."""
    if isinstance(value, Result) and isinstance(value.callee, Global) and value.callee.name == "Size":
        arguments = value.arguments
        value = arguments.items[0] if isinstance(arguments, Tuple) and arguments.items else value
    if not isinstance(value, Tuple) or value.length != len(value.items):
        return None
    counts = tuple(item for item in value.items if isinstance(item, int) and 0 <= item <= _MAX_ELEMENTS)
    return counts if len(counts) == value.length else None
