"""Where the storages of a torch file lie, beside the pickle that names them: the zip layout and the one before it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from registry.converting.errors import ConversionRefused
from registry.formats.sources import CHUNK, Region
from registry.formats.zip_archive import STORED, open_member, read_zip
from registry.formats.zip_directory import Member
from registry.pickles.judging import Judge
from registry.pickles.levels import Verdict
from registry.pickles.machine import Budget, Machine
from registry.pickles.streams import ELEMENT_BYTES, TORCH_MAGIC
from registry.pickles.values import Items, Value

MAX_PICKLE = 64 << 20
MAX_OPCODES = 2_000_000  # five thousand tensors take some 150,000
MAX_SECONDS = 60.0
_ORDER = 16  # bytes of a member that says "little" or "big"

# The bytes of the storage with a key, or None where there are none. Raises ConversionRefused for packed ones.
FindStorage = Callable[[str], Region | None]


@dataclass(frozen=True, slots=True)
class Archive:
    """The symbolic object of a torch file, and the way to its storages."""

    value: Value
    find_storage: FindStorage


def open_archive(region: Region) -> Archive:
    """Walk the pickle of a torch file under the allow-list. Raises ConversionRefused for anything else."""
    if region.at(0, 4) == b"PK\x03\x04":
        return _open_zip(region)
    if region.at(0, 1) == b"\x80":
        return _open_legacy(region)
    raise ConversionRefused("layout", format="unknown")


class _Walker:
    """The machine with our judge listening: a pickle that does what the list does not allow goes no further."""

    def __init__(self, region: Region, *, torch: bool) -> None:
        self.judge = Judge()
        self.machine = Machine(
            region.window(),
            self.judge.consider,
            torch=torch,
            collect=True,
            budget=Budget(MAX_OPCODES, MAX_SECONDS),
        )

    def walk(self) -> Value:
        """What the next pickle gives."""
        complete = self.machine.run()
        if self.judge.verdict is not Verdict.SAFE:
            raise ConversionRefused("not_safe", finding=self.judge.judgement().findings[0].message)
        if not complete or self.machine.value is None:
            raise ConversionRefused("pickle_broken", reason="incomplete")
        return self.machine.value


# -- zip ----------------------------------------------------------------------------------------------------------


def _open_zip(region: Region) -> Archive:
    readings, _facts = read_zip(region)
    if len(readings) != 1:
        raise ConversionRefused("layout", format="zip")
    members = {member.name: member for member in readings[0].members}
    pickles = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ConversionRefused("layout", format="zip")
    prefix = pickles[0].removesuffix("data.pkl")
    _check_byte_order(region, members.get(f"{prefix}byteorder"))
    held = _unpacked(region, members[pickles[0]])
    value = _Walker(held, torch=True).walk()
    return Archive(value, lambda key: _member_bytes(region, members.get(f"{prefix}data/{key}"), key))


def _unpacked(region: Region, member: Member) -> Region:
    """The pickle in memory, for it may be packed."""
    source = open_member(region, member, MAX_PICKLE + 1)
    if source is None or member.size > MAX_PICKLE:
        raise ConversionRefused("pickle_too_large", limit=MAX_PICKLE)
    held = io.BytesIO()
    while len(data := source.read(CHUNK)):
        held.write(data)
    return Region(held, 0, held.tell())


def _check_byte_order(region: Region, member: Member | None) -> None:
    if member is None:  # older writers did not say, and were little-endian
        return
    source = open_member(region, member, _ORDER)
    if source is None or source.read(_ORDER) != b"little":
        raise ConversionRefused("byte_order")


def _member_bytes(region: Region, member: Member | None, key: str) -> Region | None:
    if member is None or member.data < 0:
        return None
    if member.method != STORED:
        raise ConversionRefused("storage_packed", tensor=key)
    return region.part(member.data, member.packed)


# -- the legacy layout --------------------------------------------------------------------------------------------


def _open_legacy(region: Region) -> Archive:
    """Magic number, protocol, system, object, keys; then for each key a count of elements and the elements.

    Their order is always little-endian (torch/csrc/serialization.cpp turns it around elsewhere).
    """
    walker = _Walker(region, torch=False)
    if walker.walk() != TORCH_MAGIC:
        raise ConversionRefused("layout", format="pickle")
    walker.machine.torch = True
    walker.walk()  # protocol
    walker.walk()  # system
    value = walker.walk()
    keys = walker.walk()
    if not isinstance(keys, Items) or keys.entries is None:
        raise ConversionRefused("pickle_broken", reason="keys")
    places = _legacy_places(region, walker.machine, keys.entries)
    return Archive(value, places.get)


def _legacy_places(region: Region, machine: Machine, keys: list[Value]) -> dict[str, Region]:
    places: dict[str, Region] = {}
    position = machine.offset
    for key in keys:
        kind, numel = machine.storages.get(key, ("", 0)) if isinstance(key, str) else ("", 0)
        width = ELEMENT_BYTES.get(kind)
        if not isinstance(key, str) or width is None or key in places:
            raise ConversionRefused("pickle_broken", reason="keys")
        if int.from_bytes(region.at(position, 8), "little") != numel:
            raise ConversionRefused("pickle_broken", reason="count")
        places[key] = region.part(position + 8, numel * width)
        position += 8 + numel * width
    return places
