"""The texts that stand in a picture file beside its pixels, found without decoding the picture.

PNG text chunks and eXIf (PNG specification, third edition, 11.3), JPEG APP1 and COM segments (Exif 3.0, 4.5.4),
WebP EXIF and XMP chunks (RFC 9649), AVIF Exif and XMP items (ISO/IEC 14496-12), GIF comments. Nothing is trusted:
lengths are checked before they are used, compressed text is unpacked up to a bound, the number of blocks is limited.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gallery.imagemeta import parts
from gallery.imagemeta.boxes import metadata_spans
from gallery.imagemeta.exif import read_exif
from gallery.imagemeta.xmp import user_comment
from registry.formats.errors import MalformedFile

MAX_BLOCK: Final = 8 << 20
MAX_ALL: Final = 16 << 20
MAX_BLOCKS: Final = 256
MAX_PIECES: Final = 4_096  # with those that no reader here knows
MAX_UNKNOWN: Final = 1 << 20
XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
JPEG_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
JPEG_EXIF: Final = b"Exif\0\0"
GIF_XMP: Final = b"\x0bXMP DataXMP"
# Color, transparency, size on paper, animation: what says how pixels are shown.
PNG_SHOWN: Final = frozenset("iCCP sRGB gAMA cHRM cICP mDCV cLLI tRNS sBIT bKGD pHYs hIST sPLT acTL fcTL fdAT".split())
WEBP_SHOWN: Final = frozenset({"VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP"})
_JPEG_SHOWN: Final = ("E0", "E2", "EE")
_PNG_KINDS: Final = frozenset({"tEXt", "zTXt", "iTXt", "eXIf"})
_PROFILES: Final = (b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type app1")
_HEX: Final = re.compile(rb"\s*(?:exif|generic|app1|APP1)?\s*\d{1,10}\s")


@dataclass(frozen=True, slots=True)
class Block:
    """One text of a picture: `place` says where it stood, e.g. `png:parameters` or `exif:UserComment`."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One run of metadata as the file holds it: kind `text`, `exif`, `xmp`, `iptc` or `box` (nobody
    knows what is in it), and its bytes or its text."""

    kind: str
    place: str
    text: str = ""
    data: bytes = b""


def read_blocks(data: bytes) -> tuple[Block, ...]:
    """Every text of a picture file, in the order they stand.

    A file of another kind, or one that breaks off, yields what could be read up to there. Raises MalformedFile
    (`metadata_too_large`, `too_many_blocks`, `too_many_parts`, `scattered_metadata`, `metadata_outside`) for a text
    over 8 MiB, 16 MiB of them, 256 of them, or a file that hides where its metadata lies.
    """
    return tuple(block for piece in pieces(data) for block in texts_of(piece))


def texts_of(piece: Piece) -> Iterator[Block]:
    """The texts that one piece of metadata holds."""
    if piece.kind == "exif":
        for name, text in read_exif(piece.data).texts.items():
            yield Block(f"exif:{name}", text)
    elif piece.kind in ("text", "xmp"):
        yield Block(piece.place, piece.text)
        if piece.kind == "xmp" and (comment := user_comment(piece.text)):
            yield Block("xmp:UserComment", comment)


def pieces(data: bytes) -> tuple[Piece, ...]:
    """All metadata of a picture file, undecoded where it has a structure of its own. Raises as `read_blocks` does."""
    found: list[Piece] = []
    room, texts = MAX_ALL, 0
    for piece in _found(data):
        size = len(piece.text) + len(piece.data)
        room -= size
        if size > MAX_BLOCK or room < 0:
            raise _too_large(piece.place)
        texts += piece.kind != "box"
        if texts > MAX_BLOCKS or len(found) == MAX_PIECES:
            raise MalformedFile("too_many_blocks", f"the picture holds more than {MAX_BLOCKS} blocks of metadata")
        found.append(piece)
    return tuple(found)


def _too_large(place: str) -> MalformedFile:
    return MalformedFile(
        "metadata_too_large",
        f"the metadata under {place[:100]} is too large: {MAX_BLOCK >> 20} MiB are allowed, "
        f"{MAX_ALL >> 20} MiB for all of a picture",
    )


def _content(data: bytes, part: parts.Part) -> bytes:
    """What a part holds, looked at only if it is not too much."""
    if part.stop - part.content > MAX_BLOCK:
        raise _too_large(part.kind)
    return data[part.content : part.stop]


def _found(data: bytes) -> Iterator[Piece]:
    if data.startswith(parts.PNG):
        yield from _png(data)
    elif data.startswith(b"\xff\xd8"):
        yield from _jpeg(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        yield from _webp(data)
    elif data.startswith((b"GIF87a", b"GIF89a")):
        yield from _gif(data)
    elif data[4:8] == b"ftyp":
        yield from _avif(data)


def _png(data: bytes) -> Iterator[Piece]:
    for chunk in parts.png_chunks(data):
        if chunk.kind in _PNG_KINDS:
            yield from png_pieces(chunk.kind, _content(data, chunk))
        elif chunk.kind[0].islower() and chunk.kind not in PNG_SHOWN:
            yield _unknown(f"png:{chunk.kind}", data[chunk.content : min(chunk.stop, chunk.content + MAX_UNKNOWN)])


def png_pieces(kind: str, body: bytes) -> Iterator[Piece]:
    """The metadata of one PNG chunk."""
    if kind == "eXIf":
        yield Piece("exif", "exif", data=body.removeprefix(JPEG_EXIF))
    if kind not in _PNG_KINDS or kind == "eXIf":
        return
    key, found, value = body.partition(b"\0")
    if not found or not 1 <= len(key) <= 79:
        return
    if kind == "zTXt":
        stored = _unpacked(value[1:]) if value[:1] == b"\0" else b""
    else:
        stored = value if kind == "tEXt" else _international(value)
    # Latin-1 by the standard for two of the three; several tools write UTF-8 all the same.
    text = stored.decode("utf-8", "replace") if kind == "iTXt" else _utf8_or_latin(stored)
    if key == XMP_KEYWORD:
        yield Piece("xmp", "xmp", text)
        return
    yield Piece("text", f"png:{key.decode('latin-1')}", text)
    if key in _PROFILES:
        yield Piece("exif", "exif", data=_profile(stored))


def _international(value: bytes) -> bytes:
    """What follows an iTXt chunk's keyword: flag, method, language NUL, translated keyword NUL, text."""
    fields = value[2:].split(b"\0", 2)
    if len(fields) < 3:
        return b""
    return _unpacked(fields[2]) if value[0] else fields[2]


def _unpacked(packed: bytes) -> bytes:
    """What zlib packed, up to one byte more than is allowed, so that too much is noticed."""
    try:
        return zlib.decompressobj().decompress(packed, MAX_BLOCK + 1)
    except zlib.error:
        return b""


def _profile(stored: bytes) -> bytes:
    """ImageMagick's way to keep Exif in a text: a name, a length, then hexadecimal."""
    head = _HEX.match(stored)
    digits = re.sub(rb"\s+", b"", stored[head.end() :]) if head else b""
    try:
        return bytes.fromhex(digits.decode("ascii")).removeprefix(JPEG_EXIF)
    except ValueError:
        return b""


def _utf8_or_latin(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _jpeg(data: bytes) -> Iterator[Piece]:
    end = 0
    for segment in parts.jpeg_segments(data):
        end = segment.end
        if segment.kind == "FE" or (segment.kind[0] == "E" and segment.kind not in _JPEG_SHOWN):
            yield from jpeg_pieces(segment.kind, _content(data, segment))
    # A second picture behind the first, as phones put it there, may have a camera's data of its own.
    if 0 < end < len(data) and (start := data.find(JPEG_EXIF, end)) >= 0:
        yield Piece("exif", "exif", data=data[start + 6 : start + 6 + (1 << 16)])


def jpeg_pieces(kind: str, body: bytes) -> Iterator[Piece]:
    """The metadata of one JPEG segment."""
    if kind == "E1" and body.startswith(JPEG_EXIF):
        yield Piece("exif", "exif", data=body[6:])
    elif kind == "E1" and body.startswith(JPEG_XMP):
        yield Piece("xmp", "xmp", body[len(JPEG_XMP) :].decode("utf-8", "replace"))
    elif kind == "ED":
        yield Piece("iptc", "iptc", data=body)
    elif kind == "FE":
        yield Piece("text", "jpeg:comment", _utf8_or_latin(body))
    elif body:
        yield _unknown(f"jpeg:APP{int(kind[1], 16)}", body)


def _unknown(place: str, body: bytes) -> Piece:
    """Something of an application's own, which is only looked through for private things."""
    return Piece("box", place, body[:MAX_UNKNOWN].decode("utf-8", "replace"))


def _webp(data: bytes) -> Iterator[Piece]:
    for chunk in parts.webp_chunks(data):
        if chunk.kind in ("EXIF", "XMP "):
            yield from webp_pieces(chunk.kind, _content(data, chunk))
        elif chunk.kind not in WEBP_SHOWN:
            yield _unknown(f"webp:{chunk.kind}", data[chunk.content : min(chunk.stop, chunk.content + MAX_UNKNOWN)])


def webp_pieces(kind: str, body: bytes) -> Iterator[Piece]:
    """The metadata of one WebP chunk."""
    if kind == "EXIF":
        yield Piece("exif", "exif", data=body.removeprefix(JPEG_EXIF))
    elif kind == "XMP ":
        yield Piece("xmp", "xmp", body.decode("utf-8", "replace"))


def _gif(data: bytes) -> Iterator[Piece]:
    for block in parts.gif_blocks(data):
        if block.kind in ("21FE", "21FF"):
            yield from gif_pieces(data, block)


def gif_pieces(data: bytes, block: parts.Part) -> Iterator[Piece]:
    """The metadata of one GIF extension. XMP stands there whole: its own bytes are taken for lengths of pieces, up to
    258 bytes that lead any reader to the end (XMP specification, part 3, 1.1.2)."""
    if block.kind == "21FE":
        yield Piece("text", "gif:comment", _utf8_or_latin(parts.sub_blocks(data, block)))
    elif data.startswith(GIF_XMP, block.content):
        yield Piece("xmp", "xmp", _content(data, block)[len(GIF_XMP) : -258].decode("utf-8", "replace"))


def _avif(data: bytes) -> Iterator[Piece]:
    for span in metadata_spans(data):
        yield from avif_pieces(span.kind, data[span.start : min(span.end, span.start + MAX_BLOCK + 1)])


def avif_pieces(kind: str, body: bytes) -> Iterator[Piece]:
    """The metadata of one AVIF item. Exif begins with how far its TIFF header is away."""
    if kind == "exif":
        start = 4 + int.from_bytes(body[:4], "big")
        yield Piece("exif", "exif", data=body[start:].removeprefix(JPEG_EXIF))
    else:
        yield Piece(kind, kind, body.decode("utf-8", "replace"))
