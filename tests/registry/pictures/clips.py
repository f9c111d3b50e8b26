"""Tiny clips, written as a tool would have written them, and what is wrong with some."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av

GREEN = (145, 54, 34)  # Y, U, V
BLACK = (16, 128, 128)


def clip(
    format: str = "mp4",
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (64, 48),
    frames: int = 12,
    dark: int = 0,
    rate: int = 8,
    aspect: Fraction | None = None,
    tags: dict[str, str] | None = None,
    **options: str,
) -> bytes:
    """Green frames, the first `dark` of them black."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=format, options=options) as container:
        container.metadata.update(tags or {})
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.thread_count = 1
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        for number in range(frames):
            for packet in video.encode(_frame(size, BLACK if number < dark else GREEN, number, rate)):
                container.mux(packet)
        for packet in video.encode():
            container.mux(packet)
    return stream.getvalue()


def _frame(size: tuple[int, int], color: tuple[int, int, int], number: int, rate: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, color, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, rate)
    return frame


def sound(format: str = "mp4", codec: str = "aac") -> bytes:
    """A file of that kind with half a second of silence and no picture."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=format) as container:
        track = container.add_stream(codec, rate=48_000)
        track.layout = "mono"
        frame = av.AudioFrame(format="fltp" if codec == "aac" else "s16", layout="mono", samples=960)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(24):
            frame.pts = number * 960
            for packet in track.encode(frame):
                container.mux(packet)
        for packet in track.encode():
            container.mux(packet)
    return stream.getvalue()


def box(kind: bytes, body: bytes = b"") -> bytes:
    """A box of MP4."""
    return struct.pack(">I4s", 8 + len(body), kind) + body


def without_streams() -> bytes:
    """An MP4 with nothing in it."""
    header = struct.pack(">4I", 0, 0, 0, 1000) + bytes(84)
    return box(b"ftyp", b"isom\0\0\2\0isommp41") + box(b"moov", box(b"mvhd", header)) + box(b"mdat")


def turned(data: bytes) -> bytes:
    """The MP4 with the display matrix of a phone held upright: a quarter with the clock."""
    at = data.index(b"tkhd") + 4 + 40
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    return data[:at] + matrix + data[at + 36 :]


def claiming_sides(data: bytes, width: int, height: int) -> bytes:
    """The WebM of VP8 whose first picture names other sides (RFC 6386, 9.1)."""
    at = data.index(b"\x9d\x01\x2a") + 3
    return data[:at] + struct.pack("<HH", width, height) + data[at + 4 :]


def emptied(data: bytes) -> bytes:
    """The MP4 with nothing but ones where its pictures were."""
    at = data.index(b"mdat")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    return data[: at + 4] + b"\xff" * (length - 8) + data[at + length - 4 :]
