"""JPEG (ITU-T T.81) with the segments that cameras and editors add."""

import re
import struct
from typing import Final

from registry.imaging.containers.header import Data, Header, Parts, exif_orientation, merge, take
from registry.imaging.errors import PictureRefused

SIGNATURE: Final = b"\xff\xd8\xff"

_EOI: Final = 0xD9
_SOS: Final = 0xDA
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Where coded data ends: a marker that is neither a stuffed 0xFF nor a restart. It may stand before fill bytes.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Each pass over a large progressive picture costs as much as decoding it; encoders write about ten.
_MAX_SCANS: Final = 200


def _is_needed(marker: int, content: bytes) -> bool:
    """Whether decoding needs a segment: not texts, thumbnails, EXIF, XMP or second pictures."""
    if marker == 0xE2:
        return content.startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return content.startswith(b"Adobe")
    return marker == 0xE0 or not (0xE0 < marker <= 0xEF or marker == 0xFE)


class _Walk:
    """What the segments have told so far."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = [(0, 2)]
        self.size: tuple[int, int] | None = None
        self.orientation: int | None = None
        self.scans = 0

    def note(self, data: Data, marker: int, start: int, end: int) -> int:
        """One segment from its marker to its end; answers where the next one begins."""
        content = take(data, start + 4, min(end - start - 4, 64))
        if marker in _FRAMES:
            if self.size or len(content) < 6:
                raise PictureRefused("damaged")
            height, width = struct.unpack_from(">HH", content, 1)
            self.size = (width, height)
        elif marker == 0xE1 and content.startswith(b"Exif\0\0") and self.orientation is None:
            self.orientation = exif_orientation(take(data, start + 10, end - start - 10))
        elif marker == _SOS:
            end = self._after_scan(data, end)
        if _is_needed(marker, content):
            self.spans.append((start, end))
        return end

    def _after_scan(self, data: Data, position: int) -> int:
        self.scans += 1
        if self.size is None:
            raise PictureRefused("damaged")
        if self.scans > _MAX_SCANS:
            raise PictureRefused("too_many_parts", {"limit": _MAX_SCANS})
        found = _NEXT_MARKER.search(data, position)
        if not found:
            raise PictureRefused("truncated")
        return found.start()


def _marker_at(data: Data, position: int) -> tuple[int, int]:
    """The marker at `position` and where it stands, fill bytes skipped."""
    if take(data, position, 1) != b"\xff":
        raise PictureRefused("damaged")
    while take(data, position + 1, 1) == b"\xff":
        position += 1
    return data[position + 1], position


def read(data: Data) -> Header:
    """Walk the segments to the end of the image."""
    walk, parts, position = _Walk(), Parts(), 2
    while True:
        parts.one_more()
        marker, position = _marker_at(data, position)
        if marker == _EOI:
            break
        if marker in _ALONE:
            position += 2
            continue
        (length,) = struct.unpack(">H", take(data, position + 2, 2))
        if length < 2 or marker in {0x00, 0xD8}:
            raise PictureRefused("damaged")
        if position + 2 + length > len(data):
            raise PictureRefused("truncated")
        position = walk.note(data, marker, position, position + 2 + length)
    if not walk.scans or walk.size is None:
        raise PictureRefused("damaged")
    end = position + 2
    return Header(
        format="jpeg",
        width=walk.size[0],
        height=walk.size[1],
        end=end,
        still=merge([*walk.spans, (position, end)]),
        orientation=walk.orientation or 1,
    )
