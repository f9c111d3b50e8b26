"""Tar archives: headers only, with the tricks of old and new writers, and nothing unpacked.

Source: POSIX.1-2008 pax; Lib/tarfile.py of CPython.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from registry.formats.detect import is_tar_header
from registry.formats.facts import Fact, Notes, note
from registry.formats.sources import Region
from registry.formats.zip_archive import is_unsafe_path

BLOCK = 512
MAX_NAME = 4096
_PAX = re.compile(rb"(?:^|\n)[0-9]+ (path|linkpath|size)=([^\n]*)")


@dataclass(frozen=True, slots=True)
class TarMember:
    name: str
    kind: bytes
    data: int
    size: int

    @property
    def is_file(self) -> bool:
        return self.kind in (b"0", b"\0", b"7", b"S")


def read_tar(region: Region, limit: int) -> tuple[list[TarMember], Notes]:
    """The members in order, at most `limit`, and what is wrong with the archive."""
    members: list[TarMember] = []
    facts = Notes()
    position = 0
    longer: dict[str, str] = {}  # what a preceding long-name or pax block says of the next member
    while position + BLOCK <= region.size:
        block = region.at(position, BLOCK)
        if not any(block):
            break
        if not is_tar_header(block):
            facts.append(note("tar_broken", what="a header is damaged", offset=position))
            break
        size = _number(block[124:136])
        kind = block[156:157]
        data = position + BLOCK
        if size < 0 or data + size > region.size:
            facts.append(note("tar_broken", what="a member ends behind the file", offset=position))
            size = max(0, region.size - data)
        position = data + (size + BLOCK - 1) // BLOCK * BLOCK
        if kind in b"LKxgX":
            longer |= _long_names(region.at(data, min(size, MAX_NAME * 2)), kind)
            continue
        name = longer.get("path") or _name(block)
        members.append(TarMember(name, kind, data, size))
        facts.extend(_judge_member(name, kind, data - BLOCK))
        if "size" in longer:
            facts.append(note("tar_broken", what="a second size is given for a member", offset=data - BLOCK))
        longer = {}
        if len(members) >= limit:
            facts.append(note("tar_too_many_members"))
            break
    return members, facts


def _judge_member(name: str, kind: bytes, offset: int) -> list[Fact]:
    facts = []
    if is_unsafe_path(name):
        facts.append(note("tar_unsafe_path", member=name, offset=offset))
    if kind in b"12":
        facts.append(note("tar_link", member=name, offset=offset))
    elif kind in b"346":
        facts.append(note("tar_device", member=name, offset=offset))
    return facts


def _number(field: bytes) -> int:
    """A size: octal digits, or the base-256 form of GNU; -1 when it is neither."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b"\0 ") or b"0", 8)
    except ValueError:
        return -1


def _name(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:262] == b"ustar" and block[263:265] != b" \0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _long_names(data: bytes, kind: bytes) -> dict[str, str]:
    if kind == b"L":
        return {"path": data.split(b"\0", 1)[0].decode("utf-8", "replace")[:MAX_NAME]}
    if kind == b"K":
        return {}
    return {key.decode(): value.decode("utf-8", "replace")[:MAX_NAME] for key, value in _PAX.findall(data)}
