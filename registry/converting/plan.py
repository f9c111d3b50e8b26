"""What the result will hold: which tensors, in which type, in which order, and what its header says."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Final

from registry.converting.checkpoint import Checkpoint
from registry.converting.errors import ConversionRefused
from registry.converting.halving import HALVED
from registry.converting.terms import PRUNED, Kind, most_bytes
from registry.converting.views import View
from registry.formats.architecture import recognize
from registry.formats.safetensors import MAX_HEADER_BYTES, MAX_METADATA_BYTES

_EMA: Final = "model_ema."
_EMA_COUNTERS: Final = frozenset({"model_ema.decay", "model_ema.num_updates"})


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor of the result: the source's, in this type."""

    view: View
    dtype: str
    width: int

    @property
    def size(self) -> int:
        return self.view.elements * self.width


@dataclass(frozen=True, slots=True)
class Plan:
    """Tensors in the order of the file. `dropped` are those that only the source has; `shared` say the same numbers."""

    tensors: tuple[Planned, ...]
    dropped: tuple[str, ...]
    shared: tuple[tuple[str, ...], ...]


def make_plan(checkpoint: Checkpoint, kind: Kind, size: int) -> Plan:
    """Choose what the result holds. Raises ConversionRefused where this kind makes no sense, or too much of it."""
    dropped = _spare_copies(checkpoint) if kind == PRUNED else frozenset()
    kept = [view for view in checkpoint.views if view.name not in dropped]
    tensors = [_planned(view, kind) for view in kept]
    if kind == PRUNED and not dropped and not any(one.dtype != one.view.dtype for one in tensors):
        raise ConversionRefused("nothing_to_prune")
    # Bytes that are written, and bytes that are read for them: a view may pick few numbers out of many.
    spans = sum((view.end - view.offset) * view.width for view in kept)
    if max(sum(one.size for one in tensors), spans) > most_bytes(size):
        raise ConversionRefused("result_too_large", limit=most_bytes(size))
    places = {key: storage.start for key, storage in checkpoint.storages.items()}
    # Wide numbers first, so that each lies where its width asks for; then as in the source, which is read in order.
    tensors.sort(key=lambda one: (-one.width, places[one.view.storage], one.view.offset, one.view.name))
    return Plan(tuple(tensors), tuple(sorted(dropped)), _shared(kept))


def _planned(view: View, kind: Kind) -> Planned:
    if kind == PRUNED and view.dtype in HALVED:
        return Planned(view, "F16", 2)
    return Planned(view, view.dtype, view.width)


def _spare_copies(checkpoint: Checkpoint) -> frozenset[str]:
    """Averaged weights whose plain ones are all there too. Raises ConversionRefused for what is no checkpoint.

    `model_ema.` names are those of `model.` without their dots (ldm/modules/ema.py of Stable Diffusion).
    """
    if recognize(checkpoint.infos(), {}).model_type != "checkpoint":
        raise ConversionRefused("not_a_checkpoint")
    averaged = {view.name: view.shape for view in checkpoint.views if view.name.startswith(_EMA)}
    plain = {
        _EMA + view.name.removeprefix("model.").replace(".", ""): view.shape
        for view in checkpoint.views
        if view.name.startswith("model.")
    }
    if all(plain.get(name) == shape for name, shape in averaged.items() if name not in _EMA_COUNTERS):
        return frozenset(averaged)
    return frozenset()


def _shared(views: list[View]) -> tuple[tuple[str, ...], ...]:
    """Groups of names whose numbers overlap in the source."""
    groups: list[list[str]] = []
    last, reach = "", 0
    for view in sorted((v for v in views if v.elements), key=lambda v: (v.storage, v.offset * v.width)):
        start, end = view.offset * view.width, view.end * view.width
        if view.storage != last or start >= reach:
            groups.append([])
            last, reach = view.storage, 0
        groups[-1].append(view.name)
        reach = max(reach, end)
    return tuple(tuple(sorted(group)) for group in groups if len(group) > 1)


def header_of(plan: Plan, kind: Kind, source_sha256: str) -> bytes:
    """The length and the JSON that stand before the tensors. Raises ConversionRefused where it grows too long."""
    metadata = {
        "format": "pt",
        "converted_from_sha256": source_sha256,
        "converted_by": f"Safelight ({kind})",
    }
    if plan.shared:
        metadata["shared_tensors"] = json.dumps([list(group) for group in plan.shared], ensure_ascii=False)
    entries: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for one in plan.tensors:
        offsets = [position, position + one.size]
        entries[one.view.name] = {"dtype": one.dtype, "shape": list(one.view.shape), "data_offsets": offsets}
        position += one.size
    raw = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    raw += b" " * (-len(raw) % 8)
    if len(raw) > MAX_HEADER_BYTES or sum(len(text) for text in metadata.values()) * 4 > MAX_METADATA_BYTES:
        raise ConversionRefused("too_complex")
    return struct.pack("<Q", len(raw)) + raw
