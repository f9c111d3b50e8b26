"""Where the parts of a picture file begin and end: chunks, segments, blocks. Nothing is decompressed.

PNG specification, third edition, 5.3; ITU-T T.81, annex B; RFC 9649, 2.3; GIF 89a, chapters 12 to 26. The walks are
forgiving: they end where the file stops making sense, and whoever needs a whole file looks at the last part.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from registry.formats.errors import MalformedFile

PNG: Final = b"\x89PNG\r\n\x1a\n"
MAX_PARTS: Final = 200_000
# In a JPEG's scan FF 00 is a byte of the picture, FF D0 to D7 restart it, and FF FF is padding.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_SCAN, _END = 0xDA, 0xD9


@dataclass(frozen=True, slots=True)
class Part:
    """One part with its own head: `kind` as the format names it, the bytes `start` to `end`, content from `content`
    to `stop`."""

    kind: str
    start: int
    end: int
    content: int
    stop: int


def _counted(number: int) -> None:
    if number >= MAX_PARTS:
        raise MalformedFile("too_many_parts", f"the picture has more than {MAX_PARTS} parts")


def png_chunks(data: bytes) -> Iterator[Part]:
    """Chunks up to IEND. Raises MalformedFile for too many, as its neighbors do."""
    position, number = len(PNG), 0
    while len(head := data[position : position + 8]) == 8:
        _counted(number)
        length, kind = struct.unpack(">I4s", head)
        end = position + 12 + length
        if end > len(data):
            return
        yield Part(kind.decode("latin-1"), position, end, position + 8, end - 4)
        if kind == b"IEND":
            return
        position, number = end, number + 1


def jpeg_segments(data: bytes) -> Iterator[Part]:
    """Segments from the first marker on; kind is the marker in two hexadecimal digits. A scan (`DA`) ends where the
    next marker begins; the last part is `D9`."""
    position, number = 2, 0
    while len(head := data[position : position + 2]) == 2 and head[0] == 0xFF:
        _counted(number)
        start, number = position, number + 1
        if head[1] == 0xFF:
            position = _past_padding(data, position)
            continue
        if head[1] == _END or head[1] == 0x01 or 0xD0 <= head[1] <= 0xD8:
            position += 2
            yield Part(f"{head[1]:02X}", start, position, position, position)
            if head[1] == _END:
                return
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        stop = position + 2 + length
        if length < 2 or stop > len(data):
            return
        position = stop
        if head[1] == _SCAN:
            found = _MARKER.search(data, stop)
            position = found.start() if found else len(data)
        yield Part(f"{head[1]:02X}", start, position, start + 4, stop)


def _past_padding(data: bytes, position: int) -> int:
    while data[position + 1 : position + 2] == b"\xff":
        position += 1
    return position


def webp_chunks(data: bytes) -> Iterator[Part]:
    """Chunks up to the end that the RIFF header names, or the file's."""
    position, number = 12, 0
    final = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while position + 8 <= final:
        _counted(number)
        kind, length = struct.unpack("<4sI", data[position : position + 8])
        stop = position + 8 + length
        if stop > final:
            return
        end = min(stop + length % 2, len(data))
        yield Part(kind.decode("latin-1"), position, end, position + 8, stop)
        position, number = end, number + 1


def gif_blocks(data: bytes) -> Iterator[Part]:
    """Blocks after the palette: extensions by their label (`21FE` is a comment), `2C` images, `3B` the end."""
    position, number = 13 + _palette(data[10:11]), 0
    while kind := data[position : position + 1]:
        _counted(number)
        start, number = position, number + 1
        if kind == b"\x3b":
            yield Part("3B", start, start + 1, start, start)
            return
        if kind == b"\x21":
            name, content = f"21{data[start + 1 : start + 2].hex().upper()}", start + 2
        elif kind == b"\x2c":
            name, content = "2C", start + 11 + _palette(data[start + 9 : start + 10])
        else:
            return
        position = _past_sub_blocks(data, content)
        if position > len(data):
            return
        yield Part(name, start, position, content, position)


def _palette(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _past_sub_blocks(data: bytes, position: int) -> int:
    """Behind the empty block that ends them; past the file's end where it is missing."""
    while position < len(data) and data[position]:
        position += 1 + data[position]
    return position + 1


def sub_blocks(data: bytes, part: Part) -> bytes:
    """What a GIF extension holds, its pieces joined."""
    pieces: list[bytes] = []
    position = part.content
    while position < part.stop and (length := data[position]):
        pieces.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return b"".join(pieces)
