"""WebP: a RIFF file (RFC 9649, "WebP Image Format")."""

import struct

from registry.imaging.containers.header import Data, Header, Parts, take
from registry.imaging.errors import PictureRefused


def _vp8_size(content: bytes) -> tuple[int, int]:
    """Of a lossy key frame: three bytes of tag, a start code, then two 14-bit sides."""
    if content[3:6] != b"\x9d\x01\x2a":
        raise PictureRefused("damaged")
    width, height = struct.unpack_from("<HH", content, 6)
    return width & 0x3FFF, height & 0x3FFF


def _vp8l_size(content: bytes) -> tuple[int, int]:
    """Of a lossless image: a signature byte, then two 14-bit sides less one."""
    if content[0] != 0x2F:
        raise PictureRefused("damaged")
    (bits,) = struct.unpack_from("<I", content, 1)
    return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1


def _vp8x_size(content: bytes) -> tuple[int, int]:
    """Of the canvas: four bytes of flags, then two 24-bit sides less one."""
    return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1


_SIZES = {b"VP8 ": _vp8_size, b"VP8L": _vp8l_size, b"VP8X": _vp8x_size}


def read(data: Data) -> Header:
    """Walk the chunks to the end that the RIFF header names. The first that knows the size is the one that counts.

    An EXIF chunk turns nothing: the format does not ask for it, and Chromium does not do it to the original.
    """
    end = 8 + int.from_bytes(take(data, 4, 4), "little")
    if end > len(data):
        raise PictureRefused("truncated")
    size: tuple[int, int] | None = None
    frames, pictures, position, parts = 0, 0, 12, Parts()
    while position + 8 <= end:
        parts.one_more()
        kind, length = struct.unpack("<4sI", take(data, position, 8))
        start = position + 8
        if start + length > end:
            raise PictureRefused("damaged")
        if kind in _SIZES and size is None:
            size = _SIZES[kind](take(data, start, 10))
        pictures += kind in {b"VP8 ", b"VP8L"}
        frames += kind == b"ANMF"
        position = start + length + length % 2
    if size is None or not (pictures or frames):
        raise PictureRefused("damaged")
    return Header(
        format="webp",
        width=size[0],
        height=size[1],
        end=end,
        still=((0, end),),
        frames=max(frames, 1),
    )
