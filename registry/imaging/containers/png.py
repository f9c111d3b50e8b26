"""PNG, and APNG within it (W3C "Portable Network Graphics (PNG) Specification, Third Edition")."""

import re
import struct
from typing import Final

from registry.imaging.containers.header import Data, Header, Parts, exif_orientation, merge, take
from registry.imaging.errors import PictureRefused

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"IDAT", b"IEND"})
_TYPE: Final = re.compile(rb"[A-Za-z]{4}")
_MAX_LENGTH: Final = (1 << 31) - 1
_MAX_EXIF: Final = 1 << 20


class _Walk:
    """What the chunks have told so far."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = [(0, len(SIGNATURE))]
        self.kinds: set[bytes] = set()
        self.declared_frames = self.frame_controls = 0
        self.width = self.height = 0
        self.orientation = 1
        self.gamma: float | None = None

    def note(self, data: Data, kind: bytes, start: int, length: int) -> None:
        """One chunk whose `length` bytes of content begin at `start`."""
        if kind in _NEEDED:
            self.spans.append((start - 8, start + length + 4))
        if kind == b"IHDR":
            self.width, self.height = struct.unpack(">II", take(data, start, 8))
        elif kind == b"acTL" and length >= 8:
            (self.declared_frames,) = struct.unpack(">I", take(data, start, 4))
        elif kind == b"fcTL":
            self.frame_controls += 1
        elif kind == b"gAMA" and length == 4:
            self.gamma = struct.unpack(">I", take(data, start, 4))[0] / 100_000
        elif kind == b"eXIf" and length <= _MAX_EXIF:
            self.orientation = exif_orientation(take(data, start, length))
        self.kinds.add(kind)

    @property
    def frames(self) -> int:
        """Frames that move; a default image outside the animation is not one of them."""
        return max(self.declared_frames, self.frame_controls, 1) if b"acTL" in self.kinds else 1


def read(data: Data) -> Header:
    """Walk the chunks to IEND."""
    walk, parts, position = _Walk(), Parts(), len(SIGNATURE)
    while True:
        parts.one_more()
        length, kind = struct.unpack(">I4s", take(data, position, 8))
        if length > _MAX_LENGTH or not _TYPE.fullmatch(kind) or (not walk.kinds and (kind, length) != (b"IHDR", 13)):
            raise PictureRefused("damaged")
        end = position + 12 + length
        if end > len(data):
            raise PictureRefused("truncated")
        walk.note(data, kind, position + 8, length)
        position = end
        if kind == b"IEND":
            break
    if b"IDAT" not in walk.kinds:
        raise PictureRefused("damaged")
    described = walk.kinds & {b"sRGB", b"iCCP", b"cICP"}
    return Header(
        format="png",
        width=walk.width,
        height=walk.height,
        end=position,
        still=merge(walk.spans),
        frames=walk.frames,
        orientation=walk.orientation,
        gamma=None if described else walk.gamma,
    )
