"""The texts that stand in a clip's container beside its pictures and sound: tags, and boxes of camera makers.

MP4: ISO/IEC 14496-12 (8.10 user data), QuickTime File Format (user data lists, metadata keys), 3GPP TS 26.244 (`loci`).
WebM: RFC 9559 (Tags, Info, Attachments). Nothing is decoded, lengths are checked before they are used, and the number
of parts is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gallery.imagemeta.blocks import MAX_BLOCK
from gallery.imagemeta.boxes import Boxes
from registry.formats.errors import MalformedFile

MAX_TAGS: Final = 2_000
MAX_ELEMENTS: Final = 200_000
MAX_TAG_BYTES: Final = 16 << 20
EBML: Final = b"\x1aE\xdf\xa3"
_MAX_DEPTH: Final = 8

_HOLDERS: Final = frozenset({b"moov", b"trak", b"mdia", b"moof", b"traf"})
# Of these nothing is private: names, software, how the film is cut, room for nothing.
_HARMLESS: Final = frozenset({b"free", b"skip", b"hnti", b"name", b"chpl", b"tagc", b"kind", b"hinf", b"ludt", b"titl"})
_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# Kinds of track that film nothing: what a camera, a phone or a drone writes down while it films.
_SHOWN_TRACKS: Final = frozenset({b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp", b"hint", b"tmcd", b"pict"})

_SEGMENT, _CLUSTER, _TAGS, _TAG, _SIMPLE = 0x18538067, 0x1F43B675, 0x1254C367, 0x7373, 0x67C8
_TAG_NAME, _TAG_TEXT, _TAG_BYTES = 0x45A3, 0x4487, 0x4485
_INFO, _ATTACHMENTS, _ATTACHED = 0x1549A966, 0x1941A469, 0x61A7
_NAMED: Final = {0x7BA9: "Title", 0x7384: "SegmentFilename", 0x466E: "FileName", 0x467E: "FileDescription"}
_OPENED: Final = frozenset({_SEGMENT, _TAGS, _TAG, _INFO, _ATTACHMENTS, _ATTACHED})


@dataclass(frozen=True, slots=True)
class ClipTag:
    """One text of a container: its name as the container has it. `is_block` says that it is a maker's own block, whose
    text is only a word about it."""

    name: str
    text: str
    is_block: bool = False


def read_clip_tags(data: bytes) -> tuple[ClipTag, ...]:
    """Every text of an MP4 or WebM container, in the order they stand; what breaks off yields what could be read.

    Raises MalformedFile: `too_many_parts`, `metadata_too_large`.
    """
    tags: list[ClipTag] = []
    room = MAX_TAG_BYTES
    for tag in _Matroska(data).tags() if data.startswith(EBML) else _Movie(data).tags():
        tags.append(tag)
        room -= len(tag.text)
        if room < 0 or len(tag.text) > MAX_BLOCK:
            raise MalformedFile("metadata_too_large", "the clip's texts are larger than can be read")
        if len(tags) > MAX_TAGS:
            raise MalformedFile("too_many_parts", f"the clip has more than {MAX_TAGS} tags")
    return tuple(tags)


class _Movie:
    """An MP4's boxes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.boxes = Boxes(data)

    def tags(self) -> Iterator[ClipTag]:
        """All of them."""
        yield from self._inside(0, len(self.data), 0)

    def _inside(self, start: int, end: int, depth: int) -> Iterator[ClipTag]:
        for kind, _start, content, stop in self.boxes.inside(start, end):
            if depth > _MAX_DEPTH:
                return
            if kind in _HOLDERS:
                yield from self._inside(content, stop, depth + 1)
            elif kind == b"udta":
                yield from self._user_data(content, stop)
            elif kind == b"meta":
                yield from self._meta(content, stop)
            elif kind == b"uuid":
                yield self._own_block(content, stop)
            elif kind == b"hdlr" and self.data[content + 8 : content + 12] not in _SHOWN_TRACKS and depth:
                words = self.data[content + 24 : min(stop, content + 100)].strip(b"\0 ").decode("utf-8", "replace")
                track = _letters(self.data[content + 8 : content + 12])
                yield ClipTag(f"track {track}", f"{words or track}, a track of data", is_block=True)

    def _own_block(self, content: int, stop: int) -> ClipTag:
        if self.data[content : content + 16] == _XMP:
            return ClipTag("xmp", self._text(content + 16, stop))
        return ClipTag("uuid", f"{self.data[content : content + 16].hex()}, {stop - content} bytes", is_block=True)

    def _user_data(self, content: int, stop: int) -> Iterator[ClipTag]:
        """A list of user data: texts with a length and a language, places, boxes of every maker's own."""
        for kind, _start, inner, end in self.boxes.inside(content, stop):
            name = _letters(kind)
            if kind == b"meta":
                yield from self._meta(inner, end)
            elif kind == b"loci":
                yield ClipTag(name, self._place(inner, end))
            elif kind == b"XMP_":
                yield ClipTag("xmp", self._text(inner, end))
            elif kind[:1] in (b"\xa9", b"@"):
                yield from self._texts(name, inner, end)
            elif kind not in _HARMLESS and end - inner > 4:
                yield self._plain(name, inner, end)

    def _texts(self, name: str, content: int, stop: int) -> Iterator[ClipTag]:
        """One text in each language: its length, the language, the text. Some writers leave the first two out."""
        position = content
        while position + 4 <= stop:
            (length,) = struct.unpack_from(">H", self.data, position)
            if position + 4 + length > stop:
                yield ClipTag(name, self._text(position, stop))
                return
            yield ClipTag(name, self._text(position + 4, position + 4 + length))
            position += 4 + length

    def _plain(self, name: str, content: int, stop: int) -> ClipTag:
        """A box of 3GPP's, which holds a text behind a version and a language, or one of a maker's own."""
        body = self.data[content : min(stop, content + MAX_BLOCK + 1)]
        words = body[6:].strip(b"\0") if body[:4] == bytes(4) else body.strip(b"\0")
        if len(words) < 200 and words.isascii() and words.decode("ascii").isprintable():
            return ClipTag(name, words.decode("ascii").strip())
        return ClipTag(name, f"{name}, {stop - content} bytes", is_block=True)

    def _place(self, content: int, stop: int) -> str:
        """A location box: version, language, a name, the role of the place, then degrees in 16.16."""
        name, _nul, rest = self.data[content + 6 : stop].partition(b"\0")
        if len(rest) < 9:
            return name.decode("utf-8", "replace") or "?"
        longitude, latitude = struct.unpack_from(">ii", rest, 1)
        return f"{name.decode('utf-8', 'replace')} {latitude / 65536:.2f}° {longitude / 65536:.2f}°".strip()

    def _meta(self, content: int, stop: int) -> Iterator[ClipTag]:
        """A metadata box of either maker: Apple's for music lists items by name, QuickTime's by the number of a key."""
        start = content if self.data[content + 4 : content + 8] == b"hdlr" else content + 4
        keys: list[str] = []
        for kind, _start, inner, end in self.boxes.inside(start, stop):
            if kind == b"keys":
                keys = [self._text(at + 8, to) for _kind, at, _content, to in self.boxes.inside(inner + 8, end)]
            elif kind == b"ilst":
                yield from self._items(inner, end, keys)
            elif kind == b"xml ":
                yield ClipTag("xml", self._text(inner + 4, end))

    def _items(self, content: int, stop: int, keys: list[str]) -> Iterator[ClipTag]:
        for kind, _start, inner, end in self.boxes.inside(content, stop):
            number = int.from_bytes(kind, "big")
            name = keys[number - 1] if 0 < number <= len(keys) else _letters(kind)
            for part, _at, text, to in self.boxes.inside(inner, end):
                if part == b"name":
                    name = self._text(text + 4, to)
                elif part == b"data" and self.data[text + 3 : text + 4] in (b"\1", b"\0"):
                    yield ClipTag(name, self._text(text + 8, to))
                elif part == b"data" and kind not in (b"covr", b"trkn", b"disk", b"tmpo", b"cpil"):
                    yield ClipTag(name, f"{to - text - 8} bytes")

    def _text(self, start: int, end: int) -> str:
        body = self.data[start : min(end, start + MAX_BLOCK + 1)].strip(b"\0")
        if body[:2] in (b"\xfe\xff", b"\xff\xfe"):
            return body.decode("utf-16", "replace")
        return body.decode("utf-8", "replace")


def _letters(kind: bytes) -> str:
    return kind.decode("latin-1")


class _Matroska:
    """A WebM's elements."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = MAX_ELEMENTS

    def tags(self) -> Iterator[ClipTag]:
        """All of them."""
        yield from self._inside(0, len(self.data), 0)

    def _elements(self, position: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Number, content and end of each element. One of unknown length ends with what holds it."""
        while position < end:
            self.left -= 1
            if self.left < 0:
                raise MalformedFile("too_many_parts", f"the clip has more than {MAX_ELEMENTS} elements")
            number, content = self._number(position, keep_length=True)
            length, content = self._number(content) if number is not None else (None, 0)
            if number is None or content == 0:
                return
            stop = end if length is None else content + length
            if stop > end:
                return
            yield number, content, stop
            # A cluster of unknown length is walked through, as if its blocks stood beside it.
            position = content if length is None and number == _CLUSTER else stop

    def _number(self, position: int, *, keep_length: bool = False) -> tuple[int | None, int]:
        """A number of EBML and the place behind it: None where all its bits are set, place 0 where there is none."""
        first = self.data[position] if position < len(self.data) else 0
        width = 9 - first.bit_length()
        piece = self.data[position : position + width]
        if not first or len(piece) < width:
            return None, 0
        whole = int.from_bytes(piece, "big")
        if keep_length:
            return whole, position + width
        value = whole & ((1 << 7 * width) - 1)
        return (None if value == (1 << 7 * width) - 1 else value), position + width

    def _inside(self, start: int, end: int, depth: int) -> Iterator[ClipTag]:
        for number, content, stop in self._elements(start, end):
            if depth > _MAX_DEPTH:
                return
            if number in _OPENED:
                yield from self._inside(content, stop, depth + 1)
            elif number == _SIMPLE:
                yield from self._simple(content, stop, depth + 1)
            elif number in _NAMED:
                yield ClipTag(_NAMED[number], self._text(content, stop))

    def _simple(self, start: int, end: int, depth: int) -> Iterator[ClipTag]:
        """A tag's name and its text or bytes; more tags may stand in it."""
        name, said, is_block = "", "", False
        for number, content, stop in self._elements(start, end):
            if number == _TAG_NAME:
                name = self._text(content, stop)
            elif number == _TAG_TEXT:
                said = self._text(content, stop)
            elif number == _TAG_BYTES:
                said, is_block = f"{stop - content} bytes", True
            elif number == _SIMPLE and depth <= _MAX_DEPTH:
                yield from self._simple(content, stop, depth + 1)
        if name and said:
            yield ClipTag(name, said, is_block)

    def _text(self, start: int, end: int) -> str:
        return self.data[start : min(end, start + MAX_BLOCK + 1)].strip(b"\0").decode("utf-8", "replace")
