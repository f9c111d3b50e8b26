"""Where a zip archive's directory is, by every reading of its end records, and what stands in it.

torch (miniz) takes the offset that the end record gives; Python takes the place that lies before the end record. Old
programs ignore the 64-bit records. An archive may be made so that these see different contents: each is a reading.
Source: APPNOTE.TXT of PKWARE; Lib/zipfile.py of CPython; third_party/miniz of torch.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from registry.formats.facts import Fact, Notes, note
from registry.formats.sources import Region

MAX_MEMBERS = 65_000
MAX_DIRECTORY_BYTES = 48 << 20
MAX_TAIL = 65_535 + 22
MAX_END_RECORDS = 16
END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR64 = b"PK\x06\x07"
CENTRAL = b"PK\x01\x02"
_CENTRAL_FIELDS = struct.Struct("<4s4B4HL2L5H2L")
_END_FIELDS = struct.Struct("<4s4H2LH")
_END64_FIELDS = struct.Struct("<4sQ2H2L4Q")


@dataclass(slots=True)
class Member:
    """One entry: as the directory tells it, with the place of its data as its own header tells it (-1: unknown)."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int
    mode: int = 0
    data: int = -1
    hidden: bool = False  # found by its own header only; no directory names it


@dataclass(slots=True)
class Directory:
    """One way to read the archive. `shift` is added to the offsets that members give."""

    start: int
    length: int
    count: int
    end_record: int
    shift: int
    members: list[Member] = field(default_factory=list)
    facts: Notes = field(default_factory=Notes)


def find_directories(region: Region) -> tuple[list[Directory], list[Fact]]:
    """All readings of the archive, the one most programs take first; nothing when it is no zip archive."""
    tail_start = max(0, region.size - MAX_TAIL)
    tail = region.at(tail_start, MAX_TAIL)
    ends = _end_records(tail)
    readings: dict[tuple[int, int], Directory] = {}
    facts: list[Fact] = []
    for rank, place in enumerate(ends):
        found, noticed = _readings_of_end(region, tail, tail_start, place)
        kept = [d for d in found if d.count == 0 or region.at(d.start, 4) == CENTRAL]
        if rank and kept:
            facts.append(note("zip_second_archive", offset=tail_start + place))
        if kept or not rank:
            facts += noticed
        if not kept and not rank and found:
            facts.append(note("zip_broken", what="it is not where the end record says"))
        if len({(d.start, d.shift) for d in kept if d.count}) > 1:
            facts.append(note("zip_two_directories", offset=tail_start + place))
        for directory in kept:
            readings.setdefault((directory.start, directory.shift), directory)
    return list(readings.values()), facts


def _end_records(tail: bytes) -> list[int]:
    places: list[int] = []
    place = tail.rfind(END)
    while place >= 0 and len(places) < MAX_END_RECORDS:
        if len(tail) - place >= 22:
            places.append(place)
        place = tail.rfind(END, 0, place)
    return places


def _readings_of_end(region: Region, tail: bytes, tail_start: int, place: int) -> tuple[list[Directory], list[Fact]]:
    fields = _END_FIELDS.unpack_from(tail, place)
    _, disk, start_disk, here, total, length, offset, comment = fields
    position = tail_start + place
    facts = []
    if disk or start_disk or here != total:
        facts.append(note("zip_sizes_differ", what="parts of a split archive"))
    after = len(tail) - place - 22 - comment
    if after > 0:
        facts.append(note("zip_bytes_after", count=after))
    elif after < 0:
        facts.append(note("zip_sizes_differ", what="the comment is longer than the file"))
    wide = _read_end64(region, tail, tail_start, place, facts)
    found = []
    for count64, length64, offset64, position64 in wide:
        found += _two_places(count64, length64, offset64, position64, position)
    if not wide or _contradicts(wide[0], total, length, offset):
        found += _two_places(total, length, offset, position, position)
    if wide and _contradicts(wide[0], total, length, offset):
        facts.append(note("zip_sizes_differ", what="32-bit and 64-bit records"))
    return found, facts


def _two_places(count: int, length: int, offset: int, records: int, end_record: int) -> list[Directory]:
    """The directory where its offset says, and where it must be if it ends right before the end records."""
    implied = records - length
    found = [Directory(offset, length, count, end_record, 0)]
    if implied != offset and implied >= 0:
        found.insert(0, Directory(implied, length, count, end_record, implied - offset))
    return found


def _contradicts(wide: tuple[int, int, int, int], total: int, length: int, offset: int) -> bool:
    narrow = ((total, wide[0], 0xFFFF), (length, wide[1], 0xFFFFFFFF), (offset, wide[2], 0xFFFFFFFF))
    return any(small not in (large, unset) for small, large, unset in narrow)


def _read_end64(
    region: Region, tail: bytes, tail_start: int, place: int, facts: list[Fact]
) -> list[tuple[int, int, int, int]]:
    """64-bit end records as (count, length, offset, position): where the locator points, and where Python looks."""
    locator = tail[place - 20 : place] if place >= 20 else region.at(tail_start + place - 20, 20)
    if locator[:4] != LOCATOR64:
        return []
    pointed = int.from_bytes(locator[8:16], "little")
    implied = tail_start + place - 20 - 56
    found = []
    for position in dict.fromkeys((pointed, implied)):
        record = region.at(position, 56)
        if len(record) == 56 and record[:4] == END64:
            values = _END64_FIELDS.unpack(record)
            found.append((values[7], values[8], values[9], position))
    if not found:
        facts.append(note("zip_sizes_differ", what="the 64-bit end record is missing"))
    elif pointed != implied:
        facts.append(note("zip_sizes_differ", what="two places for the 64-bit end record"))
    return found


def read_members(region: Region, directory: Directory) -> None:
    """Fill in the members of a directory, at most `MAX_MEMBERS`; what is wrong with it goes to its facts."""
    if directory.count >= MAX_MEMBERS:
        directory.facts.append(note("zip_too_many_members", count=directory.count))
    if directory.start + directory.length > region.size:
        directory.facts.append(note("zip_broken", what="it is longer than the file"))
    length = min(directory.length, MAX_DIRECTORY_BYTES, directory.end_record - directory.start)
    data = region.at(directory.start, length)
    pos = 0
    while pos + 46 <= len(data) and len(directory.members) < MAX_MEMBERS:
        if data[pos : pos + 4] != CENTRAL:
            break
        member, pos = _read_entry(data, pos, directory.shift)
        directory.members.append(member)
    if pos != len(data) and len(directory.members) < MAX_MEMBERS:
        directory.facts.append(note("zip_broken", what="an entry is cut short or out of place"))
    if directory.count != len(directory.members) and directory.count < MAX_MEMBERS:
        directory.facts.append(note("zip_sizes_differ", what="number of members"))


def _read_entry(data: bytes, pos: int, shift: int) -> tuple[Member, int]:
    fields = _CENTRAL_FIELDS.unpack_from(data, pos)
    flags, method = fields[5], fields[6]
    crc, packed, size, name_length, extra_length, comment_length = fields[9:15]
    external, header = fields[17], fields[18]
    raw_name = data[pos + 46 : pos + 46 + name_length]
    extra = data[pos + 46 + name_length : pos + 46 + name_length + extra_length]
    size, packed, header = widen(extra, size, packed, header)
    name = decode_name(raw_name, flags)
    member = Member(name, raw_name, flags, method, crc, packed, size, header + shift, external >> 16)
    return member, pos + 46 + name_length + extra_length + comment_length


def decode_name(raw: bytes, flags: int) -> str:
    """A member's name as its flag says it is encoded; old archives use the IBM PC's letters."""
    if flags & 0x800:
        return raw.decode("utf-8", "surrogateescape")
    return raw.decode("ascii") if raw.isascii() else raw.decode("cp437")


def widen(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Sizes and offset with the 64-bit values from the extra field put in where the 32-bit ones are full."""
    pos = 0
    while pos + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, pos)
        if kind == 1:
            values = [int.from_bytes(extra[i : i + 8], "little") for i in range(pos + 4, pos + 4 + length - 7, 8)]
            if size == 0xFFFFFFFF and values:
                size = values.pop(0)
            if packed == 0xFFFFFFFF and values:
                packed = values.pop(0)
            if header == 0xFFFFFFFF and values:
                header = values.pop(0)
            break
        pos += 4 + length
    return size, packed, header
