"""AVIF: a file of boxes (ISO/IEC 14496-12, 23008-12; AV1 Image File Format 1.2)."""

import struct
from collections.abc import Iterator
from typing import Final

from registry.imaging.containers.header import Data, Header, Parts, take
from registry.imaging.errors import PictureRefused

BRANDS: Final = frozenset({b"avif", b"avis"})

# Boxes that may stand at the top; anything else there is not the picture's.
_TOP: Final = frozenset(
    {
        b"ftyp",
        b"meta",
        b"mdat",
        b"moov",
        b"moof",
        b"mfra",
        b"free",
        b"skip",
        b"wide",
        b"uuid",
        b"sidx",
        b"idat",
        b"pdin",
    }
)
# Boxes that hold boxes, with the bytes of their own that come first.
_HOLDERS: Final = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
_MAX_DEPTH: Final = 8


def brands_of(start: bytes) -> set[bytes]:
    """The major and compatible brands of a file that begins with an `ftyp` box; empty where it does not."""
    if start[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(start[:4], "big"), len(start))
    return {start[8:12], *(start[at : at + 4] for at in range(16, length - 3, 4))}


class _Walk:
    """Boxes and what those that matter told."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.parts = Parts()
        self.sizes: list[tuple[int, int]] = []
        self.frames = 1

    def boxes(self, position: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
        """Each box between two places: type, where its content begins, where it ends."""
        while position + 8 <= end:
            self.parts.one_more()
            length, kind = struct.unpack(">I4s", take(self.data, position, 8))
            if depth == 0 and kind not in _TOP:
                return
            start = position + 8
            if length == 1:
                (length,) = struct.unpack(">Q", take(self.data, start, 8))
                start += 8
            stop = end if length == 0 else position + length
            if stop < start:
                raise PictureRefused("damaged")
            if stop > end:
                raise PictureRefused("truncated" if depth == 0 else "damaged")
            yield kind, start, stop
            position = stop

    def look_into(self, kind: bytes, start: int, stop: int, depth: int = 0) -> None:
        """Note the sides and the number of frames inside a box."""
        if kind in _HOLDERS and depth < _MAX_DEPTH:
            for inner in self.boxes(start + _HOLDERS[kind], stop, depth + 1):
                self.look_into(*inner, depth + 1)
        elif kind == b"ispe":
            width, height = struct.unpack(">II", take(self.data, start + 4, 8))
            self.sizes.append((width, height))
        elif kind == b"stsz":
            (count,) = struct.unpack(">I", take(self.data, start + 8, 4))
            self.frames = max(self.frames, count)
        elif kind == b"tkhd":
            width, height = struct.unpack(">II", take(self.data, stop - 8, 8))
            self.sizes.append((width >> 16, height >> 16))


def read(data: Data) -> Header:
    """Walk the boxes. Width and height are the largest that any of them names: the decoder knows the picture's own."""
    walk, end = _Walk(data), 0
    for kind, start, stop in walk.boxes(0, len(data)):
        walk.look_into(kind, start, stop)
        end = stop
    if not walk.sizes:
        raise PictureRefused("damaged")
    return Header(
        format="avif",
        width=max(width for width, _ in walk.sizes),
        height=max(height for _, height in walk.sizes),
        end=end,
        still=((0, end),),
        frames=walk.frames,
        orientation=None,
    )
