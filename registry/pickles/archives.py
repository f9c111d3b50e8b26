"""Archives other than zip: what compressed files unfold to, and every member of a tar."""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable

from registry.formats.sources import CHUNK, BlockDecoder, Decoder, Region, Unfolded, ZlibDecoder
from registry.formats.tar_archive import TarMember, read_tar
from registry.formats.zip_directory import MAX_MEMBERS
from registry.pickles.inspection import (
    MAX_LEVELS,
    MAX_UNFOLD_RATIO,
    MAX_UNFOLDED,
    MAX_UNFOLDED_TOTAL,
    Inspect,
    Inspection,
)
from registry.pickles.torch_tar import inspect_torch_tar_member, is_torch_tar

_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: ZlibDecoder(31),
    "zlib": lambda: ZlibDecoder(15),
    "bz2": lambda: BlockDecoder(bz2.BZ2Decompressor(), OSError),
    "xz": lambda: BlockDecoder(lzma.LZMADecompressor(memlimit=128 << 20), lzma.LZMAError),
    "lzma": lambda: BlockDecoder(lzma.LZMADecompressor(memlimit=128 << 20), lzma.LZMAError),
}


# -- compressed data ----------------------------------------------------------------------------------------------


def unfolding_room(inspection: Inspection) -> int:
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
    source = Unfolded(region.window(), _DECODERS[kind](), unfolding_room(inspection))
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
        if entry.is_file and entry.size and inspection.may_look(inside):
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
