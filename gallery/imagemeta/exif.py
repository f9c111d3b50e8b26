"""The few Exif fields that matter here: the comments that tools write, and what a person may not want to give away.

Layout after TIFF 6.0 and Exif 3.0: a byte order, then directories of 12-byte entries. UserComment begins with eight
bytes that name its encoding; what stands there in the wild differs, so the reading that yields text is taken.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_ENTRIES: Final = 512
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_EXIF_DIRECTORY: Final = 0x8769
_GPS_DIRECTORY: Final = 0x8825
_USER_COMMENT: Final = 0x9286
_TEXTS: Final = {0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist"}
_PRIVATE: Final = {
    0xA431: "camera serial number",
    0xA435: "lens serial number",
    0xA430: "camera owner",
    0xC62F: "camera serial number",
}


@dataclass(frozen=True, slots=True)
class Exif:
    """Texts by field name; `private` names what tells more than how the picture was made."""

    texts: dict[str, str] = field(default_factory=dict)
    private: tuple[str, ...] = ()


def read_exif(block: bytes) -> Exif:
    """Read a TIFF block. A broken one yields what could be read."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return Exif()
    texts: dict[str, str] = {}
    private: list[str] = []
    waiting = [struct.unpack_from(f"{order}I", block, 4)[0]]
    seen: set[int] = set()
    while waiting and len(seen) < 4:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        for tag, kind, count, value in _entries(block, order, start):
            if tag == _EXIF_DIRECTORY and len(value) == 4:
                waiting.append(struct.unpack(f"{order}I", value)[0])
            elif tag == _GPS_DIRECTORY:
                private.append("place")
            elif tag in _PRIVATE and value.strip(b"\0 "):
                private.append(_PRIVATE[tag])
            elif tag == _USER_COMMENT and kind in (1, 2, 7) and count:
                texts["UserComment"] = _comment(value, order)
            elif tag in _TEXTS and kind in (1, 2, 7):
                texts[_TEXTS[tag]] = value.rstrip(b"\0").decode("utf-8", "replace")
    return Exif(texts, tuple(dict.fromkeys(private)))


def _entries(block: bytes, order: str, start: int) -> Iterator[tuple[int, int, int, bytes]]:
    if start + 2 > len(block):
        return
    (number,) = struct.unpack_from(f"{order}H", block, start)
    for index in range(min(number, MAX_ENTRIES)):
        position = start + 2 + 12 * index
        if position + 12 > len(block):
            return
        tag, kind, count = struct.unpack_from(f"{order}HHI", block, position)
        length = _SIZES.get(kind, 0) * count
        if length <= 4:
            yield tag, kind, count, block[position + 8 : position + 8 + length]
            continue
        (offset,) = struct.unpack_from(f"{order}I", block, position + 8)
        if offset + length <= len(block):
            yield tag, kind, count, block[offset : offset + length]


def _comment(value: bytes, order: str) -> str:
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        return _utf16(body, order)
    if code == b"JIS\0\0\0\0\0":
        return body.decode("iso2022_jp", "replace").strip("\0")
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return body.rstrip(b"\0").decode("utf-8", "replace")
    return value.rstrip(b"\0").decode("utf-8", "replace")  # no code at all


def _utf16(body: bytes, order: str) -> str:
    """UTF-16 in either order, or UTF-8 under the wrong name: the one that reads as text.

    Writers follow the file's byte order or always write big-endian. English text has a zero in every other byte, which
    tells the order; without any such sign the order with fewer unassigned or rare characters wins.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").rstrip("\0")
    even, odd = body[:4096:2].count(0), body[1:4096:2].count(0)
    if even == odd == 0 and len(body) > 8 and _is_utf8(body):
        return body.decode("utf-8").rstrip("\0")
    big = body.decode("utf-16-be", "replace").rstrip("\0")
    little = body.decode("utf-16-le", "replace").rstrip("\0")
    if even != odd:
        return big if even > odd else little
    scores = (_strangeness(big), _strangeness(little))
    if scores[0] == scores[1]:
        return big if order == ">" else little
    return big if scores[0] < scores[1] else little


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _strangeness(text: str) -> int:
    """How much of a text's beginning lies outside what people write."""
    return sum(1 for sign in text[:2000] if not (sign.isprintable() or sign in "\n\r\t") or sign == "�")
