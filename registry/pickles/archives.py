"""Archives: every reading of a zip, every member of a tar, and what compressed files unfold to."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Callable

from registry.formats.sources import CHUNK, BlockDecoder, Decoder, Region, Unfolded, ZlibDecoder
from registry.formats.tar_archive import TarMember, read_tar
from registry.formats.zip_archive import ZipReading, open_member, read_zip
from registry.formats.zip_directory import MAX_MEMBERS, Member
from registry.pickles.inspection import (
    MAX_LEVELS,
    MAX_MEMBERS_LOOKED_AT,
    MAX_UNFOLD_RATIO,
    MAX_UNFOLDED,
    MAX_UNFOLDED_TOTAL,
    Inspection,
)
from registry.pickles.streams import inspect_pickles
from registry.pickles.torch_tar import inspect_torch_tar_member, is_torch_tar

Inspect = Callable[[Inspection, Region, str, int], str]

_RAW_TENSOR = re.compile(r"(?P<prefix>.*?)(?:data|constants|tensors)/[0-9]+")
_CODE_LAYER = re.compile(rb'"class_name"\s*:\s*"(Lambda|__lambda__|TFOpLambda|SlicingOpLambda)"')
MAX_CONFIG = 16 << 20
_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: ZlibDecoder(31),
    "zlib": lambda: ZlibDecoder(15),
    "bz2": lambda: BlockDecoder(bz2.BZ2Decompressor(), OSError),
    "xz": lambda: BlockDecoder(lzma.LZMADecompressor(memlimit=128 << 20), lzma.LZMAError),
    "lzma": lambda: BlockDecoder(lzma.LZMADecompressor(memlimit=128 << 20), lzma.LZMAError),
}


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
        found = _inspect_members(inspection, region, reading, member, level, inspect, seen)
        word = word or found
    if not readings and facts:
        return "zip"
    return word


def _inspect_members(
    inspection: Inspection,
    region: Region,
    reading: ZipReading,
    outer: str,
    level: int,
    inspect: Inspect,
    seen: set[tuple[int, int, int]],
) -> str:
    names = {m.name for m in reading.members}
    prefixes = {name.removesuffix("data.pkl") for name in names if name == "data.pkl" or name.endswith("/data.pkl")}
    script = next((n for n in names for p in prefixes if n.startswith(f"{p}code/") or n == f"{p}constants.pkl"), "")
    if script:
        _tell_script(inspection, region, reading, prefixes, outer)
    for member in reading.members:
        key = (member.data, member.method, member.packed)
        if (member.name.endswith("/") and not member.packed) or member.data < 0 or key in seen:
            continue
        seen.add(key)
        if _is_raw_tensor(member.name, prefixes, bool(script)):
            continue
        inside = f"{outer}/{member.name}" if outer else member.name
        if _may_look(inspection, inside):
            torch = any(member.name.startswith(p) for p in prefixes) and member.name.endswith(".pkl")
            _inspect_member(inspection, region, member, inside, level, inspect, torch=torch)
            inspection.progress(region, member.header)
    word = _zip_word(names, bool(prefixes), bool(script))
    if word == "keras":
        _tell_lambdas(inspection, region, reading, outer)
    return word


def _is_raw_tensor(name: str, prefixes: set[str], script: bool) -> bool:
    """Tensor bytes beside a `data.pkl`: torch never unpickles them, however they begin."""
    match = _RAW_TENSOR.fullmatch(name)
    if match is None or match["prefix"] not in prefixes:
        return False
    return script or name.startswith(match["prefix"] + "data/")


def _zip_word(names: set[str], torch: bool, script: bool) -> str:
    if torch:
        return "torchscript" if script else "torch-zip"
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _may_look(inspection: Inspection, inside: str) -> bool:
    inspection.members += 1
    if inspection.members == MAX_MEMBERS_LOOKED_AT:
        inspection.say("zip_too_many_members", count=f">{MAX_MEMBERS_LOOKED_AT}")
    if inspection.members >= MAX_MEMBERS_LOOKED_AT:
        inspection.skip(inside)
        return False
    return not inspection.is_out_of_time(inside)


def _tell_script(inspection: Inspection, region: Region, reading: ZipReading, prefixes: set[str], outer: str) -> None:
    """Say that the archive holds a program, with the beginning of its source."""
    for member in reading.members:
        if any(member.name.startswith(f"{p}code/") for p in prefixes) and member.name.endswith(".py"):
            source = open_member(region, member, 4096)
            text = source.read(160).decode("utf-8", "replace") if source else ""
            inspection.say("torchscript", member=outer, preview=text, script=member.name)
            return
    inspection.say("torchscript", member=outer, script="constants.pkl")


def _tell_lambdas(inspection: Inspection, region: Region, reading: ZipReading, outer: str) -> None:
    """Keras layers that carry program code."""
    config = next(m for m in reading.members if m.name == "config.json")
    source = open_member(region, config, MAX_CONFIG)
    text = source.read(MAX_CONFIG) if source else b""
    if not text or len(text) >= MAX_CONFIG:
        inspection.say("keras_unreadable", member=outer)
    for layer in sorted({match.decode("ascii") for match in _CODE_LAYER.findall(text)}):
        inspection.say("keras_lambda", member=outer, layer=layer)


def _inspect_member(
    inspection: Inspection,
    region: Region,
    member: Member,
    inside: str,
    level: int,
    inspect: Inspect,
    *,
    torch: bool,
) -> None:
    source = open_member(region, member, _room(inspection))
    if source is None:
        inspection.skip(inside)
        return
    if isinstance(source, Unfolded):
        content = unfold(inspection, source, inside)
        complete = not (source.limited or source.broken)
    else:
        content = region.part(member.data, member.packed)
        complete = True
    word = (
        inspect_pickles(inspection, content, inside, torch=True)
        if torch
        else inspect(inspection, content, inside, level)
    )
    runs = torch or word.startswith(("pickle", "torch")) or inside.endswith(".py")
    checked = inspection.verify_crc and complete and content.size <= MAX_UNFOLDED and not member.hidden
    if runs and checked and crc_of(content) != member.crc:
        inspection.say("zip_crc_wrong", member=inside)


def crc_of(region: Region) -> int:
    crc = 0
    for position in range(0, region.size, CHUNK):
        crc = zlib.crc32(region.at(position, CHUNK), crc)
    return crc


# -- compressed data ----------------------------------------------------------------------------------------------


def _room(inspection: Inspection) -> int:
    return max(0, min(MAX_UNFOLDED, MAX_UNFOLDED_TOTAL - inspection.unfolded))


def unfold(inspection: Inspection, source: Unfolded, inside: str) -> Region:
    """Unpack into memory within the bounds; say what was left out or looks like a bomb."""
    held = io.BytesIO()
    while data := source.read(CHUNK):
        held.write(data)
        if source.produced > 1 << 20 and source.produced > MAX_UNFOLD_RATIO * max(source.consumed, 1):
            source.limited = True
            inspection.say("decompression_bomb", member=inside, what=inside or "The file")
            break
    inspection.unfolded += source.produced
    if source.limited:
        inspection.say("limit_reached", member=inside, what=inside or "the file", bytes=source.produced)
        inspection.skip(f"{inside or 'the file'} beyond {source.produced} bytes")
    elif source.broken:
        inspection.say("compressed_broken", member=inside)
    return Region(held, 0, held.tell())


def inspect_compressed(
    inspection: Inspection, region: Region, member: str, level: int, kind: str, inspect: Inspect
) -> str:
    """Judge what a compressed file unfolds to; what follows its end is told."""
    source = Unfolded(region.window(), _DECODERS[kind](), _room(inspection))
    content = unfold(inspection, source, member)
    if content.size:
        inspect(inspection, content, member, level)
    return kind


# -- tar ----------------------------------------------------------------------------------------------------------


def inspect_tar(inspection: Inspection, region: Region, member: str, level: int, inspect: Inspect) -> str:
    """Judge every member of a tar archive, torch's oldest layout among them."""
    members, facts = read_tar(region, MAX_MEMBERS)
    for noticed in facts:
        inspection.note(noticed, member)
    torch = is_torch_tar({m.name for m in members})
    for entry in members:
        inside = f"{member}/{entry.name}" if member else entry.name
        if entry.is_file and entry.size and _may_look(inspection, inside):
            _inspect_tar_member(inspection, region, entry, inside, level, inspect, torch=torch)
    return "torch-tar" if torch else "tar"


def _inspect_tar_member(
    inspection: Inspection, region: Region, entry: TarMember, inside: str, level: int, inspect: Inspect, *, torch: bool
) -> None:
    content = region.part(entry.data, entry.size)
    if not torch or not inspect_torch_tar_member(inspection, content, entry.name, inside):
        inspect(inspection, content, inside, level)


def is_too_deep(inspection: Inspection, member: str, level: int) -> bool:
    if level <= MAX_LEVELS:
        return False
    inspection.say("nested_too_deep", member=member, levels=MAX_LEVELS)
    inspection.skip(member)
    return True
