"""The few Exif fields that matter here: the comments that tools write, and what a person may not want to give away.

Layout after TIFF 6.0 and Exif 3.0: a byte order, then directories of 12-byte entries. UserComment begins with eight
bytes that name its encoding; what stands there in the wild differs, so the reading that yields text is taken.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_ENTRIES: Final = 512
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_DIRECTORIES: Final = {0x8769: "exif", 0x8825: "gps", 0xA005: "exif"}
_ORIENTATION: Final = 0x0112
_USER_COMMENT: Final = 0x9286
_TEXTS: Final = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x8298: "Copyright",
}
_WIDE_TEXTS: Final = {0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9B: "XPTitle", 0x9C9E: "XPKeywords"}
_PRIVATE: Final = {
    0xA431: ("camera_serial", "BodySerialNumber"),
    0xA435: ("camera_serial", "LensSerialNumber"),
    0xC62F: ("camera_serial", "CameraSerialNumber"),
    0xA430: ("owner_name", "CameraOwnerName"),
    0x013B: ("owner_name", "Artist"),
    0x9C9D: ("owner_name", "XPAuthor"),
}
# Blocks in the camera maker's own format (Exif 3.0, 4.6.5; DNG 1.7, chapter 4). Most makers write the body's serial
# number into them, often scrambled, so that being there is enough to be told.
_MAKERS_NOTES: Final = {0x927C: "MakerNote", 0xC634: "DNGPrivateData"}
_MAKER: Final = re.compile(rb"[A-Za-z][A-Za-z .]{2,30}")
_JAPANESE: Final = ("iso2022_jp", "utf-8", "shift_jis")
for _name in (*_JAPANESE, "utf-16", "utf-16-le", "utf-16-be", "latin-1"):
    codecs.lookup(_name)  # a process that has shut itself in cannot load one later
# Latitude, longitude, the same of the destination, the name of the area. A version or a clock's time is no place.
_PLACES: Final = {2: "Latitude", 4: "Longitude", 20: "DestLatitude", 22: "DestLongitude", 28: "AreaInformation"}


@dataclass(frozen=True, slots=True)
class Private:
    """A field that tells more than how the picture was made: `gps`, `camera_serial`, `owner_name` or `maker_note`; its
    name; what it says."""

    kind: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Exif:
    """Texts by field name, as read; `private` fields; the orientation, 1 to 8; `stored` keeps texts as bytes."""

    texts: dict[str, str] = field(default_factory=dict)
    private: tuple[Private, ...] = ()
    orientation: int = 1
    order: str = ">"
    stored: dict[str, tuple[int, bytes]] = field(default_factory=dict)


def read_exif(block: bytes) -> Exif:
    """Read a TIFF block. A broken one yields what could be read."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return Exif()
    reading = _Reading(order)
    waiting = [("first", struct.unpack_from(f"{order}I", block, 4)[0])]
    seen: set[int] = set()
    while waiting and len(seen) < 6:
        name, start = waiting.pop(0)
        if start in seen:
            continue
        seen.add(start)
        for tag, kind, count, value in _entries(block, order, start):
            if tag in _DIRECTORIES and len(value) == 4:
                waiting.append((_DIRECTORIES[tag], struct.unpack(f"{order}I", value)[0]))
            elif name == "gps":
                reading.place(tag, kind, count, value)
            else:
                reading.note(tag, kind, value)
    return reading.exif()


class _Reading:
    """What the entries have told so far."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.texts: dict[str, str] = {}
        self.stored: dict[str, tuple[int, bytes]] = {}
        self.private: list[Private] = []
        self.orientation = 1

    def note(self, tag: int, kind: int, value: bytes) -> None:
        """One entry of the first or the Exif directory."""
        name, said = "", ""
        if tag in _MAKERS_NOTES:
            self._makers_notes(_MAKERS_NOTES[tag], value)
        elif tag == _ORIENTATION and kind == 3 and len(value) == 2:
            (turned,) = struct.unpack(f"{self.order}H", value)
            self.orientation = turned if 1 <= turned <= 8 else 1
        elif tag == _USER_COMMENT and kind in (1, 2, 7) and value:
            name, said = "UserComment", _comment(value, self.order)
        elif tag in _TEXTS and kind in (1, 2, 7):
            name, said = _TEXTS[tag], value.rstrip(b"\0").decode("utf-8", "replace")
        elif tag in _WIDE_TEXTS and kind in (1, 7):
            name, said = _WIDE_TEXTS[tag], value.decode("utf-16-le", "replace").rstrip("\0")
        if name:
            self.texts[name], self.stored[name] = said, (kind, value)
        if tag in _PRIVATE and (said := said or value.strip(b"\0 ").decode("utf-8", "replace")).strip():
            self.private.append(Private(*_PRIVATE[tag], said))

    def _makers_notes(self, name: str, value: bytes) -> None:
        if value.strip(b"\0 "):
            maker = _MAKER.match(value)
            begins = [maker[0].decode("ascii").strip()] if maker else []
            self.private.append(Private("maker_note", name, ", ".join([*begins, f"{len(value)} bytes"])))

    def place(self, tag: int, kind: int, count: int, value: bytes) -> None:
        """One entry of the GPS directory."""
        if tag not in _PLACES or not value.strip(b"\0 "):
            return
        said = value.strip(b"\0 ").decode("utf-8", "replace")
        if kind == 5 and count <= 3:
            parts = struct.unpack(f"{self.order}{2 * count}I", value)
            degrees = [parts[2 * index] / (parts[2 * index + 1] or 1) for index in range(count)]
            said = f"{sum(part / 60**index for index, part in enumerate(degrees)):.2f}°"
        self.private.append(Private("gps", _PLACES[tag], said))

    def exif(self) -> Exif:
        """All of it."""
        return Exif(self.texts, tuple(dict.fromkeys(self.private)), self.orientation, self.order, self.stored)


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
        if offset + length <= len(block) or tag in _MAKERS_NOTES:  # one that breaks off tells as much
            yield tag, kind, count, block[offset : offset + length]


def write_exif(exif: Exif, kept: Collection[str] = ()) -> bytes:
    """A TIFF block with the orientation and the texts named in `kept`, byte for byte as they stood, and nothing else.

    Empty where there would be nothing in it.
    """
    tags = {name: tag for tag, name in (_TEXTS | _WIDE_TEXTS).items()}
    first = [(tags[name], *exif.stored[name]) for name in exif.stored if name in kept and name in tags]
    if exif.orientation != 1:
        first.append((_ORIENTATION, 3, struct.pack(f"{exif.order}H", exif.orientation)))
    comment = exif.stored.get("UserComment") if "UserComment" in kept else None
    if not first and comment is None:
        return b""
    order = exif.order
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    if comment is None:
        return head + _directory(order, 8, first)
    first.append((0x8769, 4, bytes(4)))
    start = 8 + len(_directory(order, 8, first))
    first[-1] = (0x8769, 4, struct.pack(f"{order}I", start))
    return head + _directory(order, 8, first) + _directory(order, start, [(_USER_COMMENT, *comment)])


def _directory(order: str, start: int, fields: list[tuple[int, int, bytes]]) -> bytes:
    """One directory that begins at `start`, with the values that do not fit into it behind it."""
    entries, values = b"", b""
    free = start + 2 + 12 * len(fields) + 4
    for tag, kind, value in sorted(fields):
        entries += struct.pack(f"{order}HHI", tag, kind, len(value) // _SIZES[kind])
        if len(value) <= 4:
            entries += value.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", free + len(values))
            values += value + b"\0" * (len(value) % 2)
    return struct.pack(f"{order}H", len(fields)) + entries + bytes(4) + values


def _comment(value: bytes, order: str) -> str:
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        return _utf16(body, order)
    if code == b"JIS\0\0\0\0\0":
        return _japanese(body.rstrip(b"\0"))
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return body.rstrip(b"\0").decode("utf-8", "replace")
    return value.rstrip(b"\0").decode("utf-8", "replace")  # no code at all


def _japanese(body: bytes) -> str:
    """JIS X 0208 with its escapes as the standard asks, or UTF-8 or Shift-JIS under that name."""
    for encoding in _JAPANESE:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")


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
