"""Clips by content: MP4 (ISO/IEC 14496-12, 14496-14) and WebM (RFC 8794, the WebM container guidelines).

Only the outermost parts are walked: whether the file is whole, and where it ends.
"""

import re
import struct
from typing import Final

from registry.imaging.containers import avif
from registry.imaging.containers.header import Data, Parts, take
from registry.imaging.containers.sniffing import EXTENSIONS
from registry.imaging.containers.tails import find_foreign
from registry.imaging.errors import PictureRefused

CLIP_EXTENSIONS: Final = {"mp4": "mp4", "m4v": "mp4", "webm": "webm"}
CLIP_LABELS: Final = {"mp4": "MP4", "webm": "WebM"}

_BRANDS: Final = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 hvc1 hev1 av01 dash".split()
) | {
    b"M4V ",
    b"M4VH",
    b"M4VP",
}
_STILL_BRANDS: Final = avif.BRANDS | {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}
_TOP: Final = frozenset(b"ftyp moov mdat moof mfra free skip wide uuid sidx ssix styp emsg prft meta pdin udta".split())

_EBML: Final = b"\x1aE\xdf\xa3"
_SEGMENT: Final = b"\x18S\x80g"
# The DocType element, its length of 4 written in any width that writers choose.
_WEBM: Final = re.compile(rb"B\x82(?:\x84|\x40\x04|\x20\0\x04|\x10\0\0\x04|\x01\0{6}\x04)webm")
_DOCTYPE_WITHIN: Final = 128


def clip_format(start: bytes) -> str | None:
    """mp4 or webm for a file that begins so; None where it is no clip that is taken (QuickTime, Matroska)."""
    if start.startswith(_EBML):
        return "webm" if _WEBM.search(start[:_DOCTYPE_WITHIN]) else None
    brands = avif.brands_of(start)
    return "mp4" if brands & _BRANDS and not brands & _STILL_BRANDS else None


def name_of_clip(file_name: str, format: str) -> PictureRefused | None:
    """What is wrong with a clip's name: the extension of a picture, or of the other kind of clip."""
    stem, _, extension = file_name.rpartition(".")
    claimed = {**EXTENSIONS, **CLIP_EXTENSIONS}.get(extension.lower()) if stem else None
    if claimed is None or claimed == format:
        return None
    return PictureRefused("clip_misnamed", {"extension": extension.lower(), "format": CLIP_LABELS[format]})


def require_whole_clip(data: Data, format: str) -> None:
    """Walk a clip's outermost parts. Raises PictureRefused: truncated, damaged, too_many_parts, polyglot."""
    end = _end_of_mp4(data) if format == "mp4" else _end_of_webm(data)
    if found := find_foreign(data, end):
        raise PictureRefused("polyglot", {"found": found})


def _end_of_mp4(data: Data) -> int:
    position, parts = 0, Parts()
    while position + 8 <= len(data):
        parts.one_more()
        length, kind = struct.unpack(">I4s", take(data, position, 8))
        if kind not in _TOP:
            break
        least = 8
        if length == 1:
            (length,) = struct.unpack(">Q", take(data, position + 8, 8))
            least = 16
        elif length == 0:
            return len(data)
        if length < least:
            raise PictureRefused("damaged")
        if position + length > len(data):
            raise PictureRefused("truncated")
        position += length
    return position


def _end_of_webm(data: Data) -> int:
    length, position = _vint(data, len(_EBML))
    position += length or 0
    if take(data, position, len(_SEGMENT)) != _SEGMENT:
        raise PictureRefused("damaged")
    size, start = _vint(data, position + len(_SEGMENT))
    if size is None:  # written while it was recorded: it ends with the file
        return len(data)
    if start + size > len(data):
        raise PictureRefused("truncated")
    return start + size


def _vint(data: Data, position: int) -> tuple[int | None, int]:
    """A length of EBML, None where it is left open, and the place behind it."""
    first = take(data, position, 1)[0]
    if not first:
        raise PictureRefused("damaged")
    width = 9 - first.bit_length()
    value = int.from_bytes(take(data, position, width), "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), position + width
