"""The texts that stand in a picture file beside its pixels, found without decoding the picture.

PNG text chunks and eXIf (PNG specification, third edition, 11.3), JPEG APP1 and COM segments (Exif 3.0, 4.5.4),
WebP EXIF and XMP chunks (RFC 9649), AVIF Exif and XMP items (ISO/IEC 14496-12), GIF comments. Nothing is trusted:
lengths are checked before they are used, compressed text is unpacked up to a bound, the number of blocks is limited.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gallery.imagemeta.exif import read_exif

MAX_BLOCK: Final = 8 << 20
MAX_ALL: Final = 16 << 20
MAX_BLOCKS: Final = 64
MAX_CHUNKS: Final = 20_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TIFF: Final = re.compile(rb"II\*\0|MM\0\*")
_XMP_COMMENT: Final = re.compile(
    r"<exif:UserComment>.{0,200}?<rdf:li[^>]{0,100}>(.*?)</rdf:li>|exif:UserComment=\"([^\"]*)\"", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One text of a picture: `place` says where it stood, e.g. `png:parameters` or `exif:UserComment`."""

    place: str
    text: str


def read_blocks(data: bytes) -> tuple[Block, ...]:
    """Every text of a picture file, in the order they stand; at most 64 of 8 MB each, 16 MB in all.

    A file of another kind, or one that breaks off, yields what could be read up to there.
    """
    blocks: list[Block] = []
    room = MAX_ALL
    for block in _found(data):
        room -= len(block.text)
        if room < 0 or len(blocks) == MAX_BLOCKS:
            break
        blocks.append(block)
    return tuple(blocks)


def _found(data: bytes) -> Iterator[Block]:
    if data.startswith(_PNG):
        yield from _png(data)
    elif data.startswith(b"\xff\xd8"):
        yield from _jpeg(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        yield from _webp(data)
    elif data.startswith((b"GIF87a", b"GIF89a")):
        yield from _gif(data)
    elif data[4:8] == b"ftyp":
        yield from _avif(data)


def _png(data: bytes) -> Iterator[Block]:
    position = len(_PNG)
    for _number in range(MAX_CHUNKS):
        head = data[position : position + 8]
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        body = data[position + 8 : position + 8 + length]
        if kind == b"IEND" or len(body) < length:
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt") and length <= MAX_BLOCK:
            yield from _png_text(kind, body)
        elif kind == b"eXIf" and length <= MAX_BLOCK:
            yield from _exif(body)
        position += 12 + length


def _png_text(kind: bytes, body: bytes) -> Iterator[Block]:
    key, found, value = body.partition(b"\0")
    if not found or not 1 <= len(key) <= 79:
        return
    if kind == b"zTXt":
        text = _unpacked(value[1:]).decode("latin-1") if value[:1] == b"\0" else ""
    elif kind == b"tEXt":
        # Latin-1 by the standard; several tools write UTF-8 all the same.
        text = _utf8_or(value, "latin-1")
    else:
        text = _international(value)
    yield Block(f"png:{key.decode('latin-1')}", text)


def _international(value: bytes) -> str:
    """What follows an iTXt chunk's keyword: flag, method, language NUL, translated keyword NUL, text."""
    if len(value) < 2:
        return ""
    parts = value[2:].split(b"\0", 2)
    if len(parts) < 3:
        return ""
    return (_unpacked(parts[2]) if value[0] else parts[2]).decode("utf-8", "replace")


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MAX_BLOCK)
    except zlib.error:
        return b""


def _utf8_or(value: bytes, other: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode(other, "replace")


def _jpeg(data: bytes) -> Iterator[Block]:
    position = 2
    for _number in range(MAX_CHUNKS):
        while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] == b"\xff":
            position += 1  # fill bytes
        head = data[position : position + 4]
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xD9, 0xDA):
            return
        length = struct.unpack(">H", head[2:])[0]
        body = data[position + 4 : position + 2 + length]
        if head[1] == 0xE1 and body.startswith(b"Exif\0\0"):
            yield from _exif(body[6:])
        elif head[1] == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            yield from _xmp(body[29:])
        elif head[1] == 0xFE:
            yield Block("jpeg:comment", _utf8_or(body, "latin-1"))
        position += 2 + max(length, 2)


def _webp(data: bytes) -> Iterator[Block]:
    position = 12
    for _number in range(MAX_CHUNKS):
        head = data[position : position + 8]
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        body = data[position + 8 : position + 8 + min(length, MAX_BLOCK)]
        if kind == b"EXIF":
            yield from _exif(body.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            yield from _xmp(body)
        position += 8 + length + length % 2


def _gif(data: bytes) -> Iterator[Block]:
    """Comment extensions, which begin with 21 FE; each is a run of blocks with a length byte before them."""
    position = data.find(b"\x21\xfe", 13)
    for _number in range(MAX_BLOCKS):
        if position < 0:
            return
        pieces: list[bytes] = []
        position += 2
        while position < len(data) and (length := data[position]) and len(pieces) < MAX_CHUNKS:
            pieces.append(data[position + 1 : position + 1 + length])
            position += 1 + length
        yield Block("gif:comment", _utf8_or(b"".join(pieces), "latin-1"))
        position = data.find(b"\x21\xfe", position)


def _avif(data: bytes) -> Iterator[Block]:
    """Exif and XMP lie whole in the file's items; their beginnings are looked for instead of walking the boxes."""
    for match in islice(_TIFF.finditer(data), MAX_BLOCKS):
        blocks = list(_exif(data[match.start() : match.start() + MAX_BLOCK]))
        if blocks:
            yield from blocks
            break
    start = data.find(b"<x:xmpmeta")
    if start >= 0:
        yield from _xmp(data[start : data.find(b"</x:xmpmeta>", start) + 12])


def _exif(block: bytes) -> Iterator[Block]:
    for name, text in read_exif(block).texts.items():
        yield Block(f"exif:{name}", text)


def _xmp(block: bytes) -> Iterator[Block]:
    text = block[:MAX_BLOCK].decode("utf-8", "replace")
    yield Block("xmp", text)
    start = text.find("exif:UserComment")
    match = _XMP_COMMENT.search(text, max(0, start - 1)) if start >= 0 else None
    if match:
        yield Block("xmp:UserComment", _unescaped(match[1] or match[2] or ""))


def _unescaped(text: str) -> str:
    for entity, sign in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&#xA;", "\n"),
        ("&amp;", "&"),
    ):
        text = text.replace(entity, sign)
    return text
