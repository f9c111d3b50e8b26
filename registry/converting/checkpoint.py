"""The tensors of a pickle checkpoint by name, and what stands beside them.

Names are the keys of the dictionaries on the way to a tensor, joined by dots. A checkpoint's `state_dict` (or `model`)
is unwrapped; what lies beside it is left out and named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from registry.converting.errors import ConversionRefused
from registry.converting.places import open_archive
from registry.converting.views import View, read_view, refuse_hidden
from registry.formats.safetensors import MAX_NAME_BYTES, MAX_TENSORS
from registry.formats.sources import Region
from registry.formats.tensors import TensorInfo
from registry.pickles.levels import Verdict
from registry.pickles.scan import scan
from registry.pickles.values import Global, Items, Result, Tuple, Value, clean

FORMATS: Final = frozenset({"torch-zip", "torch-legacy"})
_MAX_DEPTH: Final = 32
_MAX_STEPS: Final = 500_000
_MAX_WRAPPINGS: Final = 8
_MODULE_PARTS: Final = ("_parameters", "_buffers", "_modules")
# The name of a tensor that was saved by itself.
_ALONE: Final = "tensor"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Tensors in the order of the pickle, the bytes of their storages, and the names of all else."""

    views: tuple[View, ...]
    storages: dict[str, Region]
    left_out: tuple[str, ...]

    def infos(self) -> tuple[TensorInfo, ...]:
        """The tensors as a file would hold them, for recognizing what they are."""
        infos, position = [], 0
        for view in self.views:
            infos.append(TensorInfo(view.name, view.dtype, view.shape, position, position + view.size))
            position += view.size
        return tuple(infos)


def read_checkpoint(stream: BinaryIO, size: int) -> Checkpoint:
    """Read the `size` bytes of a torch file, as far as they say where its tensors are.

    Raises ConversionRefused unless the scanner judges all of it safe, every tensor lies inside its storage, and each
    can be said in a safetensors file.
    """
    region = Region(stream, 0, size)
    _require_safe(region)
    archive = open_archive(region)
    value, beside = _unwrap(archive.value)
    walk = _Walk()
    walk.enter(value, "", 0)
    if not walk.views:
        raise ConversionRefused("no_tensors")
    storages: dict[str, Region] = {}
    for view in walk.views.values():
        place = storages.get(view.storage) or archive.find_storage(view.storage)
        if place is None:
            raise ConversionRefused("storage_missing", tensor=clean(view.name))
        storages[view.storage] = place
        if view.elements and view.end * view.width > place.size:
            raise ConversionRefused("outside", tensor=clean(view.name))
    return Checkpoint(tuple(walk.views.values()), storages, tuple(beside + walk.left_out))


def _require_safe(region: Region) -> None:
    """The scanner's word on every byte: the pickle, what follows it, and the archive around it."""
    report = scan(region.stream, region.size)
    if report.verdict is not Verdict.SAFE:
        raise ConversionRefused("not_safe", finding=report.findings[0].message)
    if report.format not in FORMATS:
        raise ConversionRefused("layout", format=report.format)


@dataclass(slots=True)
class _Walk:
    """Gathers tensors below a value. Shared containers are entered each time, within a bound on all steps."""

    views: dict[str, View] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    kinds: dict[str, tuple[str, int]] = field(default_factory=dict)
    steps: int = 0

    def enter(self, value: Value, name: str, depth: int) -> bool:
        """Whether there was a tensor; a container without one is left out as a whole."""
        self.steps += 1
        if self.steps > _MAX_STEPS or depth > _MAX_DEPTH:
            raise ConversionRefused("too_complex")
        view = read_view(value, name or _ALONE)
        if view is not None:
            self._add(view)
            return True
        parts = pairs(value)
        if not parts and isinstance(value, Result):
            refuse_hidden(value, clean(name, 200))
        before = len(self.left_out)
        found = False
        for key, inner in parts:
            part = str(key) if isinstance(key, str | int) else ""
            below = self.enter(inner, f"{name}.{part}" if name else part, depth + 1)
            if below and not part:
                raise ConversionRefused("name_odd", tensor=clean(name))
            found = found or below
        if not found:
            del self.left_out[before:]
            self.left_out.append(clean(name, 200))
        return found

    def _add(self, view: View) -> None:
        shown = clean(view.name, 200)
        if view.name in self.views:
            raise ConversionRefused("name_twice", tensor=shown)
        if len(self.views) >= MAX_TENSORS:
            raise ConversionRefused("too_many_tensors", limit=MAX_TENSORS)
        try:
            length = len(view.name.encode())
        except UnicodeEncodeError:
            raise ConversionRefused("name_odd", tensor=shown) from None
        if length > MAX_NAME_BYTES or view.name == "__metadata__":
            raise ConversionRefused("name_odd", tensor=shown)
        # torch gives a storage the type and length of its first mention, whatever later ones say.
        if self.kinds.setdefault(view.storage, (view.dtype, view.storage_bytes)) != (view.dtype, view.storage_bytes):
            raise ConversionRefused("storage_types", tensor=shown)
        self.views[view.name] = view


def _unwrap(value: Value) -> tuple[Value, list[str]]:
    """The state dict inside the usual wrappings, and the names of what lies beside it."""
    beside: list[str] = []
    prefix = ""
    for _layer in range(_MAX_WRAPPINGS):
        parts = {key: part for key, part in pairs(value) if isinstance(key, str)}
        inner = "state_dict" if parts.get("state_dict") is not None and pairs(parts["state_dict"]) else ""
        if not inner and "model" in parts and any(_is_tensor(part) for _key, part in pairs(parts["model"])):
            inner = "model"
        if not inner:
            break
        beside += [clean(f"{prefix}{key}", 200) for key in parts if key != inner]
        value, prefix = parts[inner], f"{prefix}{inner}."
    return value, beside


def _is_tensor(value: Value) -> bool:
    try:
        return read_view(value, "") is not None
    except ConversionRefused:
        return False


def pairs(value: Value) -> list[tuple[Value, Value]]:
    """What a container holds, by key or number; nothing for anything else."""
    if isinstance(value, Result):
        return _pairs_of_result(value)
    if isinstance(value, Tuple):
        if value.length != len(value.items):
            raise ConversionRefused("too_complex")
        return list(enumerate(value.items))
    if not isinstance(value, Items) or value.entries is None:
        return []
    if value.kind == "dict":
        return _unique(list(zip(value.entries[::2], value.entries[1::2], strict=False)))
    return list(enumerate(value.entries))


def _unique(found: list[tuple[Value, Value]]) -> list[tuple[Value, Value]]:
    """A name that is written twice counts once, with its last value, as in Python. Other keys are not known apart."""
    last = {key: number for number, (key, _part) in enumerate(found) if isinstance(key, str | int)}
    return [
        (key, part) for number, (key, part) in enumerate(found) if not isinstance(key, str | int) or last[key] == number
    ]


def _pairs_of_result(value: Result) -> list[tuple[Value, Value]]:
    """Items of an OrderedDict and its kind; the parameters, buffers and parts of a pickled module."""
    if value.items is not None:
        return pairs(value.items)
    if isinstance(value.callee, Global) and value.callee.name in ("OrderedDict", "dict"):
        return _pairs_of_call(value.arguments)
    if not isinstance(value.state, Items):
        return []
    parts = {key: part for key, part in pairs(value.state) if isinstance(key, str)}
    return [pair for name in _MODULE_PARTS if name in parts for pair in pairs(parts[name])]


def _pairs_of_call(arguments: Value | None) -> list[tuple[Value, Value]]:
    """Python 2 wrote an OrderedDict as a call with a list of its pairs."""
    given = arguments.items[0] if isinstance(arguments, Tuple) and arguments.items else None
    if given is None:
        return []
    if isinstance(given, Items) and given.kind == "dict":
        return pairs(given)
    parts = [[part for _number, part in pairs(pair)] for _key, pair in pairs(given)]
    return _unique([(pair[0], pair[1]) for pair in parts if len(pair) == 2])
