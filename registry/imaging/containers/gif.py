"""GIF 87a and 89a (CompuServe, "Graphics Interchange Format Version 89a")."""

import struct
from typing import Final

from registry.imaging.containers.header import Data, Header, Parts, merge, take
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_PARTS

SIGNATURES: Final = (b"GIF87a", b"GIF89a")

_EXTENSION: Final = 0x21
_IMAGE: Final = 0x2C
_TRAILER: Final = 0x3B
_GRAPHIC_CONTROL: Final = 0xF9


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


class _Walk:
    """The file from its screen descriptor on; `still` gathers what the first frame needs."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.parts = Parts()
        self.width, self.height, flags = struct.unpack("<HHB", take(data, 6, 5))
        self.position = 13 + _palette_bytes(flags)
        self.still: list[tuple[int, int]] = [(0, self.position)]
        self._control: tuple[int, int] | None = None
        self._sub_blocks = 0
        self.frames = 0

    def next_block(self) -> bool:
        """Step over one block; False at the trailer."""
        self.parts.one_more()
        start, kind = self.position, take(self.data, self.position, 1)[0]
        if kind == _TRAILER:
            self.position += 1
            self.still.append((start, self.position))
            return False
        if kind == _EXTENSION:
            label = take(self.data, start + 1, 1)[0]
            self._skip_sub_blocks(start + 2)
            if label == _GRAPHIC_CONTROL:
                self._control = (start, self.position)
        elif kind == _IMAGE:
            self._frame(start)
        else:
            raise PictureRefused("damaged")
        return True

    def _frame(self, start: int) -> None:
        left, top, width, height, flags = struct.unpack("<HHHHB", take(self.data, start + 1, 9))
        self._skip_sub_blocks(start + 11 + _palette_bytes(flags))
        self.frames += 1
        if self.frames == 1:
            # Browsers and Pillow widen the screen to the first frame.
            self.width, self.height = max(self.width, left + width), max(self.height, top + height)
            self.still += [*([self._control] if self._control else []), (start, self.position)]

    def _skip_sub_blocks(self, position: int) -> None:
        while length := take(self.data, position, 1)[0]:
            position += 1 + length
            self._sub_blocks += 1
            if self._sub_blocks > 10 * MAX_PARTS:
                raise PictureRefused("too_many_parts", {"limit": 10 * MAX_PARTS})
        self.position = position + 1


def read(data: Data) -> Header:
    """Walk the blocks to the trailer."""
    walk = _Walk(data)
    while walk.next_block():
        pass
    if not walk.frames:
        raise PictureRefused("damaged")
    return Header(
        format="gif",
        width=walk.width,
        height=walk.height,
        end=walk.position,
        still=merge(walk.still),
        frames=walk.frames,
    )
