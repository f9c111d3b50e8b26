"""The layout torch used before 2017: a tar archive with the members `sys_info`, `pickle`, `storages` and `tensors`.

`storages` and `tensors` begin with a pickled count; then each entry is a pickled tuple followed by raw bytes
(torch/serialization.py, `legacy_load`).
"""

from __future__ import annotations

from registry.formats.sources import Region
from registry.pickles.evidence import Evidence
from registry.pickles.inspection import Inspection
from registry.pickles.machine import Machine
from registry.pickles.streams import ELEMENT_BYTES, inspect_pickles
from registry.pickles.values import Global, Tuple, Value

MEMBERS = {"sys_info", "pickle", "storages", "tensors"}
MAX_DIMENSIONS = 64


def is_torch_tar(names: set[str]) -> bool:
    return {"pickle", "storages", "tensors"} <= {name.removeprefix("./") for name in names}


def inspect_torch_tar_member(inspection: Inspection, region: Region, name: str, inside: str) -> bool:
    """Judge one of the four members; False for any other."""
    name = name.removeprefix("./")
    if name not in MEMBERS:
        return False
    if name in ("storages", "tensors"):
        _walk_entries(inspection, region, inside, tensors=name == "tensors")
    else:
        inspect_pickles(inspection, region, inside, torch=True)
    return True


def _walk_entries(inspection: Inspection, region: Region, inside: str, *, tensors: bool) -> None:
    def listener(evidence: Evidence) -> None:
        inspection.tell(evidence, inside)

    machine = Machine(region.window(), listener, torch=True, budget=inspection.budget)
    if not machine.run():
        return
    position = machine.offset
    while position < region.size:
        machine = Machine(region.window(position), listener, torch=True, budget=inspection.budget, start=position)
        if not machine.run():
            return
        length = _tensor_bytes(region, machine.offset) if tensors else _storage_bytes(region, machine)
        if length is None:
            if machine.offset < region.size:
                left = region.size - machine.offset
                inspection.say("trailing_bytes", member=inside, count=left, position=machine.offset)
            return
        position = machine.offset + length
    if position > region.size:
        inspection.say("legacy_incomplete", member=inside)


def _storage_bytes(region: Region, machine: Machine) -> int | None:
    """Bytes of a storage behind its `(key, location, type)`: a count of elements, then the elements."""
    width = ELEMENT_BYTES.get(_third_name(machine.value))
    count = region.at(machine.offset, 8)
    if width is None or len(count) < 8:
        return None
    return 8 + int.from_bytes(count, "little") * width


def _third_name(value: Value | None) -> str:
    if isinstance(value, Tuple) and value.length == 3 and isinstance(value.items[2], Global):
        return value.items[2].name
    return ""


def _tensor_bytes(region: Region, offset: int) -> int | None:
    """Bytes of a tensor's numbers: dimensions, then sizes, strides and an offset of eight bytes each."""
    dimensions = int.from_bytes(region.at(offset, 4), "little")
    if region.size - offset < 16 or dimensions > MAX_DIMENSIONS:
        return None
    return 8 + 16 * dimensions + 8
