"""Zip archives member by member: which are torch's pickles, which are raw tensors, and what the others hold."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

from registry.formats.sources import CHUNK, Region, Unfolded
from registry.formats.zip_archive import ZipReading, open_member, read_zip
from registry.formats.zip_directory import Member
from registry.pickles.archives import unfold, unfolding_room
from registry.pickles.inspection import MAX_UNFOLDED, Inspect, Inspection
from registry.pickles.streams import ELEMENT_BYTES, inspect_pickles

MAX_CONFIG = 16 << 20
_RAW_TENSOR = re.compile(r"(?P<prefix>.*?)(?:data|constants|tensors)/[0-9]+")
_CODE_LAYER = re.compile(rb'"class_name"\s*:\s*"(Lambda|__lambda__|TFOpLambda|SlicingOpLambda)"')


def inspect_zip(inspection: Inspection, region: Region, member: str, level: int, inspect: Inspect) -> str:
    """Judge every reading of a zip archive. Returns "" when there is no archive, else the format's word."""
    readings, facts = read_zip(region)
    for noticed in facts:
        inspection.note(noticed, member)
    word = ""
    seen: set[tuple[int, int, int]] = set()
    for reading in readings:
        for noticed in reading.facts:
            inspection.note(noticed, member)
        look = _Look(inspection, region, reading, member, level, inspect, seen)
        found = look.at_all()
        word = word or found
    if not readings and facts:
        return "zip"
    return word


@dataclass(slots=True)
class _Look:
    """One reading of one archive. `prefixes` are the folders that hold a `data.pkl`."""

    inspection: Inspection
    region: Region
    reading: ZipReading
    outer: str
    level: int
    inspect: Inspect
    seen: set[tuple[int, int, int]]
    prefixes: set[str] = field(default_factory=set)
    script: bool = False

    def at_all(self) -> str:
        """Look at every member; returns the format's word."""
        names = {m.name for m in self.reading.members}
        self.prefixes = {n.removesuffix("data.pkl") for n in names if n == "data.pkl" or n.endswith("/data.pkl")}
        self.script = any(n.startswith(f"{p}code/") or n == f"{p}constants.pkl" for n in names for p in self.prefixes)
        if self.script:
            self._tell_script()
        for member in self.reading.members:
            key = (member.data, member.method, member.packed)
            if (member.name.endswith("/") and not member.packed) or member.data < 0 or key in self.seen:
                continue
            inside = f"{self.outer}/{member.name}" if self.outer else member.name
            if not self._is_raw_tensor(member.name) and self.inspection.may_look(inside):
                self.seen.add(key)
                self._at_member(member, inside)
                self.inspection.progress(self.region, member.header)
        return self._word(names)

    def _is_raw_tensor(self, name: str) -> bool:
        """Tensor bytes beside a `data.pkl`: torch never unpickles them, however they begin."""
        match = _RAW_TENSOR.fullmatch(name)
        if match is None or match["prefix"] not in self.prefixes:
            return False
        return self.script or name.startswith(match["prefix"] + "data/")

    def _word(self, names: set[str]) -> str:
        if self.prefixes:
            return "torchscript" if self.script else "torch-zip"
        if "config.json" in names and "metadata.json" in names:
            self._tell_lambdas()
            return "keras"
        return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"

    def _at_member(self, member: Member, inside: str) -> None:
        source = open_member(self.region, member, unfolding_room(self.inspection))
        if source is None:
            self.inspection.skip(inside)
            return
        content = self.region.part(member.data, member.packed)
        complete = True
        if isinstance(source, Unfolded):
            content = unfold(self.inspection, source, inside)
            complete = not (source.limited or source.broken)
        torch = member.name.endswith(".pkl") and any(member.name.startswith(p) for p in self.prefixes)
        word = self._at_torch_pickle(content, member, inside) if torch else self._at_other(content, inside)
        runs = word.startswith(("pickle", "torch")) or inside.endswith(".py")
        checked = self.inspection.verify_crc and complete and content.size <= MAX_UNFOLDED and not member.hidden
        if runs and checked and crc_of(content) != member.crc:
            self.inspection.say("zip_crc_wrong", member=inside)

    def _at_other(self, content: Region, inside: str) -> str:
        return self.inspect(self.inspection, content, inside, self.level)

    def _at_torch_pickle(self, content: Region, member: Member, inside: str) -> str:
        storages: dict[str, tuple[str, int]] = {}
        word = inspect_pickles(self.inspection, content, inside, torch=True, storages=storages)
        if member.name.endswith("data.pkl") and not self.script:
            self._check_storages(member.name.removesuffix("data.pkl"), storages, inside)
        return word

    def _check_storages(self, prefix: str, storages: dict[str, tuple[str, int]], inside: str) -> None:
        """Every storage that the pickle refers to must be there, and large enough."""
        sizes = {m.name: m.size for m in self.reading.members}
        for key, (kind, numel) in storages.items():
            size = sizes.get(f"{prefix}data/{key}")
            if size is None:
                self.inspection.say("storage_missing", member=inside, key=key)
                return
            if size < numel * ELEMENT_BYTES.get(kind, 0):
                self.inspection.say("storage_too_small", member=inside, key=key)
                return

    def _tell_script(self) -> None:
        """Say that the archive holds a program, with the beginning of its source."""
        for member in self.reading.members:
            if any(member.name.startswith(f"{p}code/") for p in self.prefixes) and member.name.endswith(".py"):
                source = open_member(self.region, member, 4096)
                text = source.read(160).decode("utf-8", "replace") if source else ""
                self.inspection.say("torchscript", member=self.outer, preview=text, script=member.name)
                return
        self.inspection.say("torchscript", member=self.outer, script="constants.pkl")

    def _tell_lambdas(self) -> None:
        """Keras layers that carry program code."""
        config = next(m for m in self.reading.members if m.name == "config.json")
        source = open_member(self.region, config, MAX_CONFIG)
        text = source.read(MAX_CONFIG) if source else b""
        if not text or len(text) >= MAX_CONFIG:
            self.inspection.say("keras_unreadable", member=self.outer)
        for layer in sorted({match.decode("ascii") for match in _CODE_LAYER.findall(text)}):
            self.inspection.say("keras_lambda", member=self.outer, layer=layer)


def crc_of(region: Region) -> int:
    crc = 0
    for position in range(0, region.size, CHUNK):
        crc = zlib.crc32(region.at(position, CHUNK), crc)
    return crc
