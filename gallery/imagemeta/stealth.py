"""Generation data hidden in pixels: the lowest bits of the alpha channel, or of red, green and blue.

The bits run down the columns from the left: a signature of 15 letters, a 32-bit big-endian length in bits, then that
much text, gzip-compressed where the signature ends in "comp". NovelAI began it; Forge and SwarmUI write it too.
The pixels are decoded elsewhere; this reads bytes that hold one channel after another as rows.
"""

from __future__ import annotations

import zlib
from typing import Final

MAX_TEXT: Final = 4 << 20
_SIGNATURE_BITS: Final = 15 * 8
_SIGNATURES: Final = {
    b"stealth_pngcomp": True,
    b"stealth_pnginfo": False,
    b"stealth_rgbcomp": True,
    b"stealth_rgbinfo": False,
}


def read_stealth(rows: bytes, width: int, height: int, channels: int) -> str | None:
    """The hidden text of `height` rows of `width` pixels of `channels` bytes: 1 for alpha alone, 3 for RGB.

    None where there is none. Looks at the signature before anything else, so that an ordinary picture costs nothing.
    """
    if channels not in (1, 3) or not rows or len(rows) != width * height * channels:
        return None
    columns = _Columns(rows, width, height, channels)
    signature = columns.read(0, _SIGNATURE_BITS)
    compressed = _SIGNATURES.get(signature)
    if compressed is None or (b"rgb" in signature) != (channels == 3):
        return None
    length = int.from_bytes(columns.read(_SIGNATURE_BITS, 32), "big")
    if length % 8 or not 0 < length <= min(columns.bits - _SIGNATURE_BITS - 32, MAX_TEXT * 8):
        return None
    data = columns.read(_SIGNATURE_BITS + 32, length)
    if compressed:
        unpacking = zlib.decompressobj(31)
        try:
            data = unpacking.decompress(data, MAX_TEXT)
        except zlib.error:
            return None
        if not unpacking.eof:  # overwritten on the way, or a bomb
            return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


class _Columns:
    """Bits of the pixels in the order in which they were written."""

    def __init__(self, rows: bytes, width: int, height: int, channels: int) -> None:
        self.rows, self.width, self.height, self.channels = rows, width, height, channels
        self.bits = width * height * channels

    def read(self, start: int, count: int) -> bytes:
        """`count` bits from bit `start` on, as bytes, most significant first; fewer where the picture ends."""
        values = bytearray()
        per_column = self.height * self.channels
        end = min(start + count, self.bits)
        for column in range(start // per_column, -(-end // per_column)):
            values += self._column(column)
        first = start - (start // per_column) * per_column
        bits = values[first : first + end - start]
        text = bytes(bits).translate(_LOW_BIT).decode("ascii")
        return int(text or "0", 2).to_bytes(-(-len(text) // 8), "big")

    def _column(self, column: int) -> bytes:
        stride = self.width * self.channels
        if self.channels == 1:
            return self.rows[column::stride]
        parts = [self.rows[column * 3 + channel :: stride] for channel in range(3)]
        joined = bytearray(self.height * 3)
        for channel, part in enumerate(parts):
            joined[channel::3] = part
        return bytes(joined)


_LOW_BIT: Final = bytes(ord("1") if value & 1 else ord("0") for value in range(256))
