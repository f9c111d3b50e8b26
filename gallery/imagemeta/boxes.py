"""Where metadata lies in an AVIF file: items of the `meta` box, and boxes that hold nothing else.

ISO/IEC 14496-12 (boxes; 8.11.3 item locations, 8.11.6 item information) and 23008-12, annex A (the Exif item begins
with a four-byte offset to its TIFF header).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from registry.formats.errors import MalformedFile

MAX_BOXES: Final = 50_000
MAX_ITEMS: Final = 4_096
_HOLDERS: Final = {b"moov": 0, b"trak": 0, b"meta": 4}
_LOOSE: Final = (b"udta", b"uuid")
_XMP_TYPE: Final = b"application/rdf+xml"


@dataclass(frozen=True, slots=True)
class Span:
    """One run of metadata bytes: kind `exif`, `xmp` or `box` (a whole box that may hold anything, head included)."""

    kind: str
    start: int
    end: int


class Boxes:
    """The boxes of one file; counts them all, so that nesting buys nothing."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = MAX_BOXES

    def inside(self, position: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
        """Type, beginning, content and end of each box. Ends where a box makes no sense."""
        while position + 8 <= end:
            self.left -= 1
            if self.left < 0:
                raise MalformedFile("too_many_parts", f"the picture has more than {MAX_BOXES} boxes")
            length, kind = struct.unpack(">I4s", self.data[position : position + 8])
            content = position + 8
            if length == 1:
                length, content = int.from_bytes(self.data[content : content + 8], "big"), content + 8
            stop = end if length == 0 else position + length
            if stop < content or stop > end:
                return
            yield kind, position, content, stop
            position = stop

    def spans(self, position: int, end: int, depth: int = 0) -> Iterator[Span]:
        """Every run of metadata between two places."""
        for kind, start, content, stop in self.inside(position, end):
            if kind in _LOOSE:
                yield Span("box", start, stop)
            if kind == b"meta":
                yield from self._items(content + 4, stop)
            if kind in _HOLDERS and depth < 4:
                yield from self.spans(content + _HOLDERS[kind], stop, depth + 1)

    def _items(self, start: int, end: int) -> Iterator[Span]:
        kinds: dict[int, str] = {}
        places: dict[int, list[tuple[int, int, int]]] = {}
        pool = (0, 0)
        for kind, _start, content, stop in self.inside(start, end):
            if kind == b"iinf":
                kinds = self._kinds(content, stop)
            elif kind == b"iloc":
                places = _locations(self.data[content:stop])
            elif kind == b"idat":
                pool = (content, stop)
        for number, kind_name in kinds.items():
            extents = places.get(number, [])
            if len(extents) != 1:
                raise MalformedFile("scattered_metadata", "the picture's metadata lies in more than one piece")
            method, offset, length = extents[0]
            first, last = (0, len(self.data)) if method == 0 else pool
            begin = first + offset
            if method > 1 or begin + length > last:
                raise MalformedFile("metadata_outside", "the picture's metadata points outside of the file")
            yield Span(kind_name, begin, begin + length if length else last)

    def _kinds(self, content: int, stop: int) -> dict[int, str]:
        """The items that are metadata, by their number."""
        version = self.data[content] if content < stop else 0
        found: dict[int, str] = {}
        for kind, _start, inner, end in self.inside(content + (6 if version == 0 else 8), stop):
            entry = self.data[inner : min(end, inner + 400)]
            if kind != b"infe" or len(entry) < 12 or entry[0] not in (2, 3):
                continue
            wide = 2 if entry[0] == 2 else 4
            number, item = int.from_bytes(entry[4 : 4 + wide], "big"), entry[6 + wide : 10 + wide]
            if item == b"Exif":
                found[number] = "exif"
            elif item == b"mime" and _XMP_TYPE in entry:
                found[number] = "xmp"
        return found


def _locations(box: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """Of each item its extents: how it is stored (0: in the file, 1: in `idat`), offset, length. Stops where cut."""
    if len(box) < 8:
        return {}
    version, sizes = box[0], (box[4] >> 4, box[4] & 15, box[5] >> 4, box[5] & 15 if box[0] else 0)
    offset_size, length_size, base_size, index_size = sizes
    wide = 4 if version == 2 else 2
    reader = _Numbers(box, 6)
    found: dict[int, list[tuple[int, int, int]]] = {}
    try:
        for _number in range(min(reader.take(wide), MAX_ITEMS)):
            item = reader.take(wide)
            method = reader.take(2) & 15 if version else 0
            reader.take(2)
            base = reader.take(base_size)
            extents = found.setdefault(item, [])
            count = reader.take(2)
            for _extent in range(min(count, 2)):  # more than one is refused, so two tell enough
                reader.take(index_size)
                offset = reader.take(offset_size)
                extents.append((method, base + offset, reader.take(length_size)))
            reader.position += max(0, count - 2) * (index_size + offset_size + length_size)
    except EOFError:
        pass  # what was read up to here is what can be known
    return found


class _Numbers:
    """Big-endian numbers, one after another. Raises EOFError past the end."""

    def __init__(self, box: bytes, position: int) -> None:
        self.box, self.position = box, position

    def take(self, size: int) -> int:
        piece = self.box[self.position : self.position + size]
        if len(piece) < size:
            raise EOFError
        self.position += size
        return int.from_bytes(piece, "big")


def metadata_spans(data: bytes) -> tuple[Span, ...]:
    """Every run of metadata in an AVIF file, in the order of its boxes.

    Raises MalformedFile where it is said to be there and cannot be found: then nobody can say what it holds.
    """
    return tuple(Boxes(data).spans(0, len(data)))
