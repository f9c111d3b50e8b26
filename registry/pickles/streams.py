"""Pickle streams from the first to the last byte: several pickles in a row, torch's legacy layout, and what follows."""

from __future__ import annotations

from registry.formats.sources import Region
from registry.pickles import evidence as ev
from registry.pickles import handlers as _handlers  # noqa: F401 - importing them fills the machine's table
from registry.pickles.evidence import Evidence
from registry.pickles.inspection import Inspection, is_about_code
from registry.pickles.machine import Machine
from registry.pickles.values import Items

TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the legacy layout (torch/serialization.py)

# Bytes an element takes, by storage type (torch/storage.py).
ELEMENT_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
    "ComplexDoubleStorage": 16,
    "ComplexFloatStorage": 8,
    "QUInt8Storage": 1,
    "QInt8Storage": 1,
    "QInt32Storage": 4,
    "QUInt4x2Storage": 1,
    "QUInt2x4Storage": 1,
    "UntypedStorage": 1,
    "_UntypedStorage": 1,
}
PICKLE_NAMES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".p", ".joblib", ".dill", ".t7", ".th", ".model")


def inspect_pickles(
    inspection: Inspection,
    region: Region,
    member: str,
    *,
    torch: bool = False,
    storages: dict[str, tuple[str, int]] | None = None,
) -> str:
    """Walk what begins like a pickle. Returns the format's word: `pickle` or `torch-legacy`.

    `storages` is filled with the torch storages that the pickle refers to: key -> (type, elements).
    """

    def listener(evidence: Evidence) -> None:
        inspection.tell(evidence, member)

    machine = Machine(region.window(), listener, torch=torch, budget=inspection.budget)
    if storages is not None:
        machine.storages = storages
    if not machine.run():
        return "pickle"
    if machine.value == TORCH_MAGIC and not torch:
        return _inspect_legacy(inspection, machine, region, member)
    _walk_on(inspection, machine, region, member, stray=torch)
    return "pickle"


def guess_pickles(inspection: Inspection, region: Region, member: str, kind: str, name: str) -> str:
    """Read a file of another or no known kind as a pickle, as a careless program would. Returns "" when it is none.

    Headerless pickles look like text and text looks like pickles: `cat⏎dog⏎` would import `at.dog`. What breaks before
    its STOP counts only if it called something, or if the name or the bytes say that no text was meant.
    """
    heard: list[Evidence] = []
    machine = Machine(region.window(), heard.append, budget=inspection.budget)
    complete = machine.run()
    if complete and machine.value == TORCH_MAGIC:
        return _retell(inspection, heard, member) or _inspect_legacy(inspection, machine, region, member)
    names = [e for e in heard if e.use != ev.FACT]
    if complete:
        if names or machine.is_exhausted() or _goes_on(machine):
            _retell(inspection, heard, member)
            machine.listener = lambda evidence: inspection.tell(evidence, member)
            if kind in ("text", "unknown"):
                _walk_on(inspection, machine, region, member, stray=False)
            return "pickle"
        return ""
    meant = kind == "unknown" or name.lower().endswith(PICKLE_NAMES)
    if any(is_about_code(e) for e in names) or (names and meant):
        _retell(inspection, heard, member)
        return "pickle"
    return ""


def _goes_on(machine: Machine) -> bool:
    """Whether another complete pickle follows, heard by nobody. The machine is left where it was by a copy's work."""
    trial = Machine(machine.source, lambda evidence: None, start=machine.base)
    trial.buf = machine.buf
    trial.pos = machine.pos
    trial.at_end = True  # looks only at what is in memory
    return trial.run()


def _retell(inspection: Inspection, heard: list[Evidence], member: str) -> str:
    for evidence in heard:
        inspection.tell(evidence, member)
    return ""


def _walk_on(inspection: Inspection, machine: Machine, region: Region, member: str, *, stray: bool) -> None:
    """Walk the pickles that follow, to the last byte. `stray` says that nothing should follow."""
    told = machine.listener
    while not machine.is_exhausted():
        start = machine.offset
        heard: list[Evidence] = []
        machine.listener = heard.append
        complete = machine.run()
        machine.listener = told
        if complete:
            if stray:
                inspection.say("trailing_pickle", member=member, offset=start)
            _retell(inspection, heard, member)
            continue
        if any(e.use != ev.FACT for e in heard):
            _retell(inspection, [e for e in heard if e.use != ev.FACT], member)
        inspection.say("trailing_bytes", member=member, offset=start, count=region.size - start, position=start)
        return


# -- the legacy layout --------------------------------------------------------------------------------------------


def _inspect_legacy(inspection: Inspection, machine: Machine, region: Region, member: str) -> str:
    """Protocol number, system info, the object, the storage keys; then the storages, whose ends are computed."""
    machine.listener = lambda evidence: inspection.tell(evidence, member)
    machine.torch = True
    for _part in ("protocol", "system", "object", "keys"):
        if machine.is_exhausted():
            inspection.say("legacy_incomplete", member=member)
            return "torch-legacy"
        if not machine.run():
            return "torch-legacy"
    keys = machine.value.strings or [] if isinstance(machine.value, Items) else None
    if keys is None:
        inspection.say("legacy_storages_unknown", member=member)
        return "torch-legacy"
    end = _walk_storages(inspection, machine, region, keys, member)
    if end is not None and end < region.size:
        rest = Machine(region.window(end), machine.listener, budget=inspection.budget, start=end)
        _walk_on(inspection, rest, region, member, stray=True)
    return "torch-legacy"


def _walk_storages(
    inspection: Inspection, machine: Machine, region: Region, keys: list[str], member: str
) -> int | None:
    """Step from storage to storage. Returns where the last ends, or None when that cannot be told."""
    position = machine.offset
    for number, key in enumerate(keys):
        kind, numel = machine.storages.get(key, ("", 0))
        width = ELEMENT_BYTES.get(kind)
        count = region.at(position, 8)
        if width is None:
            inspection.say("legacy_storages_unknown", member=member, offset=position)
            return None
        stored = int.from_bytes(count, "little", signed=True)
        if len(count) == 8 and stored != numel:
            inspection.say("legacy_count_differs", member=member, offset=position, stored=stored, promised=numel)
            return None
        position += 8 + numel * width
        if position > region.size:
            inspection.say("legacy_incomplete", member=member)
            return None
        if number % 64 == 0:
            inspection.progress(region, position)
    return position
