"""The same picture without its metadata: parts are left out, the pixels are copied as they are, byte for byte.

What says how the pixels are to be shown stays: color profiles, transparency, resolution, animation, orientation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gallery.imagemeta import parts
from gallery.imagemeta.blocks import (
    GIF_XMP,
    JPEG_EXIF,
    PNG_SHOWN,
    WEBP_SHOWN,
    Piece,
    avif_pieces,
    gif_pieces,
    jpeg_pieces,
    png_pieces,
    webp_pieces,
)
from gallery.imagemeta.boxes import Span, metadata_spans
from gallery.imagemeta.exif import read_exif, write_exif
from gallery.imagemeta.private import find_private, findings_of
from registry.formats.errors import MalformedFile
from registry.imaging.containers import read_header
from registry.imaging.errors import PictureRefused

_PNG_TEXTS: Final = frozenset({"tEXt", "zTXt", "iTXt"})
_JPEG_HELD: Final = {"E0": b"JFIF\0", "E2": b"ICC_PROFILE\0", "EE": b"Adobe"}
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04
_GIF_KEPT: Final = frozenset({"2C", "3B", "21F9", "2101"})
_GIF_HELD: Final = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0", b"\x0bICCRGBG1012")
_NO_EXIF: Final = b"MM\0*\0\0\0\x08" + bytes(6)


def strip(data: bytes, *, keep_generation: bool = False) -> bytes:
    """The picture without metadata. With `keep_generation` only what holds something private is taken out: a text
    chunk as a whole, of Exif everything but the texts without findings.

    Bytes behind the picture are left out as well. What hides in the pixels stays. Raises MalformedFile: `cannot_strip`
    where the file is no whole picture or something private would be left, and as `read_blocks` does.
    """
    try:
        header = read_header(data)
    except PictureRefused as refused:
        raise MalformedFile("cannot_strip", f"the file is no whole picture: {refused.code}") from refused
    picture = _STRIPPERS[header.format](data[: header.end], _Keeping(keep_generation))
    if find_private(picture):
        raise MalformedFile("cannot_strip", "the private data stands where it cannot be taken out")
    return picture


class _Keeping:
    """What may stay."""

    def __init__(self, generation: bool) -> None:
        self.generation = generation

    def all_of(self, found: Iterable[Piece]) -> bool:
        """Whether these pieces may stay as they are."""
        return self.generation and not any(True for piece in found for _finding in findings_of(piece))

    def exif(self, block: bytes) -> bytes:
        """What may stay of a TIFF block; empty if nothing."""
        piece = Piece("exif", "exif", data=block)
        if self.all_of([piece]):
            return block
        exif = read_exif(block)
        named = {finding.place.removeprefix("exif:") for finding in findings_of(piece)}
        return write_exif(exif, [name for name in exif.stored if name not in named] if self.generation else ())


def _png(data: bytes, keeping: _Keeping) -> bytes:
    kept = [parts.PNG]
    for chunk in parts.png_chunks(data):
        whole, content = data[chunk.start : chunk.end], data[chunk.content : chunk.stop]
        # Critical chunks, whose names begin with a capital, stay in any case.
        is_shown = chunk.kind[0].isupper() or chunk.kind in PNG_SHOWN
        if is_shown or (chunk.kind in _PNG_TEXTS and keeping.all_of(png_pieces(chunk.kind, content))):
            kept.append(whole)
        elif chunk.kind == "eXIf" and (exif := keeping.exif(content.removeprefix(JPEG_EXIF))):
            kept.append(struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif)))
    return b"".join(kept)


def _jpeg(data: bytes, keeping: _Keeping) -> bytes:
    kept, last = [b"\xff\xd8"], ""
    for segment in parts.jpeg_segments(data):
        last = segment.kind
        kept += _jpeg_segment(data, segment, keeping)
    if last != "D9":
        raise MalformedFile("cannot_strip", "the picture breaks off")
    return b"".join(kept)


def _jpeg_segment(data: bytes, segment: parts.Part, keeping: _Keeping) -> Iterator[bytes]:
    """One segment, what stays of it, or nothing."""
    whole, content = data[segment.start : segment.end], data[segment.content : segment.stop]
    if segment.kind == "E1" and content.startswith(JPEG_EXIF):
        if exif := keeping.exif(content[len(JPEG_EXIF) :]):
            body = JPEG_EXIF + exif
            yield b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    elif segment.kind in ("E1", "ED", "FE"):
        found = list(jpeg_pieces(segment.kind, content))
        if found and keeping.all_of(found):
            yield whole
    elif segment.kind[0] != "E" or (segment.kind in _JPEG_HELD and content.startswith(_JPEG_HELD[segment.kind])):
        yield whole  # anything but an application's own segments, and three of those


def _webp(data: bytes, keeping: _Keeping) -> bytes:
    kept: list[bytes] = []
    flags = 0
    for chunk in parts.webp_chunks(data):
        content = data[chunk.content : chunk.stop]
        if chunk.kind == "EXIF" and (exif := keeping.exif(content.removeprefix(JPEG_EXIF))):
            kept.append(_riff(b"EXIF", exif))
            flags |= _WEBP_EXIF
        elif chunk.kind == "XMP " and keeping.all_of(webp_pieces("XMP ", content)):
            kept.append(_riff(b"XMP ", content))
            flags |= _WEBP_XMP
        elif chunk.kind in WEBP_SHOWN:
            kept.append(_riff(chunk.kind.encode("latin-1"), content))
    for index, written in enumerate(kept):
        if written.startswith(b"VP8X"):
            shown = written[8] & ~(_WEBP_EXIF | _WEBP_XMP) | flags
            kept[index] = written[:8] + bytes([shown]) + written[9:]
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _gif(data: bytes, keeping: _Keeping) -> bytes:
    blocks = list(parts.gif_blocks(data))
    kept = [data[: blocks[0].start]] if blocks else []
    for block in blocks:
        is_shown = block.kind in _GIF_KEPT or data.startswith(_GIF_HELD, block.content)
        is_text = block.kind == "21FE" or data.startswith(GIF_XMP, block.content)
        if is_shown or (is_text and keeping.all_of(gif_pieces(data, block))):
            kept.append(data[block.start : block.end])
    return b"".join(kept)


def _avif(data: bytes, keeping: _Keeping) -> bytes:
    """Items are found by where they stand in the file, so nothing may move: they are overwritten in their places."""
    picture = bytearray(data)
    for span in metadata_spans(data):
        picture[span.start : span.end] = _overwritten(data, span, keeping)
    return bytes(picture)


def _overwritten(data: bytes, span: Span, keeping: _Keeping) -> bytes:
    """As many bytes as before: what stays of them, then nothing."""
    stored, size = data[span.start : span.end], span.end - span.start
    if span.kind == "box":
        head = 16 if stored[:4] == b"\0\0\0\1" else 8
        return stored[:4] + b"free" + stored[8:head] + bytes(size - head)
    if keeping.all_of(avif_pieces(span.kind, stored)):
        return stored
    if span.kind == "xmp":
        return b" " * size
    exif = keeping.exif(stored[4 + int.from_bytes(stored[:4], "big") :].removeprefix(JPEG_EXIF)) or _NO_EXIF
    written = bytes(4) + exif
    return written.ljust(size, b"\0") if len(written) <= size else bytes(size)


_STRIPPERS: Final[dict[str, Callable[[bytes, _Keeping], bytes]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "gif": _gif,
    "avif": _avif,
}
