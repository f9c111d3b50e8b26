"""What a header tells, and the pieces that every reader of one shares."""

import mmap
import struct
from dataclasses import dataclass
from typing import Final

from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_PARTS

Data = bytes | mmap.mmap

_ORIENTATION_TAG: Final = 0x0112
_MAX_TAGS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Header:
    """A picture before decoding. Width and height are as stored: `orientation` (1 to 8, as in EXIF) is not applied.

    `still` are the byte ranges that a decoder needs for the first frame: texts, thumbnails and further frames are
    left out, so that what they hold cannot cost anything. `end` is where the picture ends and a tail begins.
    `gamma` is the file's own where nothing better describes its colors; `orientation` is None where only the
    decoder can say.
    """

    format: str
    width: int
    height: int
    end: int
    still: tuple[tuple[int, int], ...]
    frames: int = 1
    orientation: int | None = 1
    gamma: float | None = None

    @property
    def mime(self) -> str:
        """The media type under which the original is served."""
        return f"image/{self.format}"

    @property
    def animated(self) -> bool:
        """More than one frame."""
        return self.frames > 1


class Parts:
    """Counts the parts of a file, and refuses the one too many."""

    def __init__(self) -> None:
        self._count = 0

    def one_more(self) -> None:
        """Note that another part was met."""
        self._count += 1
        if self._count > MAX_PARTS:
            raise PictureRefused("too_many_parts", {"limit": MAX_PARTS})


def take(data: Data, start: int, length: int) -> bytes:
    """Exactly these bytes. Raises PictureRefused("truncated") where the file ends before."""
    if start + length > len(data):
        raise PictureRefused("truncated")
    return bytes(data[start : start + length])


def merge(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same ranges with neighbors joined."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def exif_orientation(tiff: bytes) -> int:
    """The orientation that an EXIF block (a TIFF header and its first directory) asks for; 1 where it says nothing.

    Only EXIF counts: browsers do not turn a picture by its XMP or by a text chunk.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
    if offset + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(f"{order}H", tiff, offset)
    for index in range(min(count, _MAX_TAGS)):
        at = offset + 2 + 12 * index
        if at + 12 > len(tiff):
            return 1
        tag, kind, number, value = struct.unpack_from(f"{order}HHIH", tiff, at)
        if tag == _ORIENTATION_TAG:
            return value if kind == 3 and number == 1 and 1 <= value <= 8 else 1
    return 1
