"""Zip archives read with suspicion: each member's own header is compared with the directory, every byte must belong.

Members are never unpacked here; `open_member` gives a bounded source of one.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field

from registry.formats.facts import Fact, Notes, note
from registry.formats.sources import Region, Source, Unfolded, ZlibDecoder
from registry.formats.zip_directory import END64, Directory, Member, decode_name, find_directories, read_members, widen

LOCAL = b"PK\x03\x04"
DESCRIPTOR = b"PK\x07\x08"
MAX_TOTAL = 1 << 40
MAX_RATIO = 1100
MAX_HIDDEN = 64
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1 | 0x40 | 0x2000
PATCHED = 0x20
HAS_DESCRIPTOR = 0x8
_LOCAL_FIELDS = struct.Struct("<4s2B4HL2L2H")


@dataclass(slots=True)
class ZipReading:
    """The archive as one kind of program sees it."""

    members: list[Member]
    facts: Notes = field(default_factory=Notes)


def read_zip(region: Region) -> tuple[list[ZipReading], list[Fact]]:
    """Every reading of a zip archive; no reading when it has no end record. Reads headers only."""
    directories, facts = find_directories(region)
    readings = []
    for directory in directories:
        read_members(region, directory)
        _compare_headers(region, directory)
        _check_names(directory)
        _check_sizes(directory)
        readings.append(ZipReading(directory.members, directory.facts))
    return readings, facts


def open_member(region: Region, member: Member, limit: int) -> Source | None:
    """The member's content, or None when it is encrypted, packed in an unknown way, or not where it should be."""
    if member.data < 0 or member.flags & (ENCRYPTED | PATCHED):
        return None
    packed = region.part(member.data, member.packed)
    if member.method == STORED:
        return packed.window()
    if member.method == DEFLATED:
        return Unfolded(packed.window(), ZlibDecoder(-15), limit)
    return None


# -- headers ------------------------------------------------------------------------------------------------------


def _compare_headers(region: Region, directory: Directory) -> None:
    """Walk the members in file order; note differences, overlaps, and bytes that no member owns."""
    facts = directory.facts
    end = 0
    previous: Member | None = None
    hidden: list[Member] = []
    for member in sorted(directory.members, key=lambda m: m.header):
        if member.header < end:
            facts.append(note("zip_overlap", offset=member.header))
        end = _check_gap(region, directory, previous, end, member.header, hidden)
        end = max(end, _read_local(region, member, facts))
        previous = member
    _check_gap(region, directory, previous, end, min(directory.start, region.size), hidden)
    _check_behind(region, directory)
    directory.members += hidden


def _read_local(region: Region, member: Member, facts: Notes) -> int:
    """Read a member's own header. Returns where its data end."""
    head = region.at(member.header, 30 + len(member.raw_name))
    if len(head) < 30 or head[:4] != LOCAL:
        facts.append(note("zip_member_broken", member=member.name, what="its header is missing", offset=member.header))
        return member.header
    fields = _LOCAL_FIELDS.unpack_from(head)
    flags, method = fields[3], fields[4]
    crc, packed, size, name_length, extra_length = fields[7:12]
    raw_name = head[30 : 30 + name_length]
    if name_length != len(member.raw_name):
        raw_name = region.at(member.header + 30, name_length)
    if 0xFFFFFFFF in (packed, size):
        extra = region.at(member.header + 30 + name_length, extra_length)
        size, packed, _ = widen(extra, size, packed, 0)
    member.data = member.header + 30 + name_length + extra_length
    if raw_name != member.raw_name:
        local = decode_name(raw_name, flags)
        facts.append(note("zip_name_differs", member=member.name, local=local, offset=member.header))
    differing = _differences(member, flags, method, (crc, packed, size))
    if differing:
        facts.append(note("zip_header_differs", member=member.name, what=", ".join(differing), offset=member.header))
    if member.data + member.packed > region.size:
        facts.append(
            note("zip_member_broken", member=member.name, what="it ends behind the file", offset=member.header)
        )
    return member.data + member.packed


def _differences(member: Member, flags: int, method: int, values: tuple[int, int, int]) -> list[str]:
    differing = []
    if flags != member.flags:
        differing.append("flags")
    if method != member.method:
        differing.append("method")
    expected = (member.crc, member.packed, member.size)
    for what, have, want in zip(("checksum", "packed size", "size"), values, expected, strict=True):
        if have != want and not (flags & HAS_DESCRIPTOR and have == 0):
            differing.append(what)
    return differing


def _check_gap(
    region: Region, directory: Directory, previous: Member | None, end: int, upto: int, hidden: list[Member]
) -> int:
    """Account for the bytes between two members: a data descriptor, a member no directory names, or a finding."""
    if upto <= end:
        return end
    if previous is None:
        return _look_for_hidden(region, directory, end, upto, hidden, "zip_bytes_before")
    if previous.flags & HAS_DESCRIPTOR:
        end += _read_descriptor(region, directory, previous, end, upto - end)
    if upto <= end:
        return end
    return _look_for_hidden(region, directory, end, upto, hidden, "zip_bytes_between")


def _read_descriptor(region: Region, directory: Directory, member: Member, at: int, room: int) -> int:
    """Length of the data descriptor behind a member; its checksum and sizes are compared."""
    data = region.at(at, min(room, 24))
    signed = data[:4] == DESCRIPTOR
    body = data[4:] if signed else data
    for width in (4, 8):
        if len(body) >= 4 + 2 * width:
            values = (
                int.from_bytes(body[:4], "little"),
                int.from_bytes(body[4 : 4 + width], "little"),
                int.from_bytes(body[4 + width : 4 + 2 * width], "little"),
            )
            if values == (member.crc, member.packed, member.size):
                return 4 * signed + 4 + 2 * width
    directory.facts.append(note("zip_header_differs", member=member.name, what="data descriptor", offset=at))
    return 16 if signed and room >= 16 else 0


def _look_for_hidden(region: Region, directory: Directory, at: int, upto: int, hidden: list[Member], code: str) -> int:
    directory.facts.append(note(code, count=upto - at, position=at, offset=at))
    while at + 30 <= upto and len(hidden) < MAX_HIDDEN:
        head = region.at(at, 30)
        if head[:4] != LOCAL:
            break
        fields = _LOCAL_FIELDS.unpack(head)
        crc, packed, size, name_length, extra_length = fields[7:12]
        raw_name = region.at(at + 30, name_length)
        data = at + 30 + name_length + extra_length
        name = decode_name(raw_name, fields[3])
        packed = min(packed or upto - data, max(0, upto - data))
        hidden.append(Member(name, raw_name, fields[3], fields[4], crc, packed, size, at, data=data, hidden=True))
        at = data + packed
    return upto


def _check_behind(region: Region, directory: Directory) -> None:
    """Between the directory's end and the end record only the 64-bit records may stand."""
    end = directory.start + directory.length
    left = directory.end_record - end
    if left < 0:
        directory.facts.append(note("zip_sizes_differ", what="the directory runs into the end record"))
        return
    if left == 0 or (left == 76 and region.at(end, 4) == END64):
        return
    directory.facts.append(note("zip_bytes_between", count=left, position=end, offset=end))


# -- names and sizes ----------------------------------------------------------------------------------------------


def _check_names(directory: Directory) -> None:
    facts = directory.facts
    counts = Counter(member.name.casefold() for member in directory.members)
    reported = set()
    for member in directory.members:
        folded = member.name.casefold()
        if counts[folded] > 1 and folded not in reported:
            reported.add(folded)
            facts.append(note("zip_duplicate", member=member.name, offset=member.header))
        if is_unsafe_path(member.name):
            facts.append(note("zip_unsafe_path", member=member.name, offset=member.header))
        if member.mode & 0o170000 == 0o120000:
            facts.append(note("zip_symlink", member=member.name, offset=member.header))


def is_unsafe_path(name: str) -> bool:
    """Whether unpacking a member of this name would leave the folder, on any system."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/") or "\0" in name


def _check_sizes(directory: Directory) -> None:
    facts = directory.facts
    total = sum(member.size for member in directory.members)
    packed = sum(member.packed for member in directory.members)
    if total > MAX_TOTAL or (total > 1 << 20 and total > MAX_RATIO * max(packed, 1)):
        facts.append(note("zip_bomb", total=total))
    for member in directory.members:
        if member.method == STORED and member.size != member.packed:
            facts.append(note("zip_header_differs", member=member.name, what="size of stored data"))
        elif member.size > 1 << 20 and member.size > MAX_RATIO * max(member.packed, 1):
            facts.append(note("decompression_bomb", what=member.name))
        if member.flags & ENCRYPTED:
            facts.append(note("zip_encrypted", member=member.name, offset=member.header))
        elif member.flags & PATCHED:
            facts.append(note("zip_patched", member=member.name, offset=member.header))
        elif member.method not in (STORED, DEFLATED):
            facts.append(note("zip_method_unknown", member=member.name, method=member.method))
