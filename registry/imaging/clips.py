"""The child's program for a clip: refuse it, or write copies of one picture out of it. Nothing is transcoded.

Runs only inside `registry.imaging.cell`, apart from `decode`, so that the decoders of films are loaded where one is
looked at. The demuxer is named and the codecs are listed: no file can ask for another, or for another file.
"""

import importlib
import io
import mmap
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from registry.imaging.containers.clips import clip_format, require_whole_clip
from registry.imaging.decode import answer, describe, shrink
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import (
    MAX_CLIP_FRAMES,
    MAX_CLIP_PACKETS,
    MAX_CLIP_PIXELS,
    MAX_CLIP_RATE,
    MAX_CLIP_SECONDS,
    MAX_CLIP_STREAMS,
    MAX_POSTER_FRAMES,
    MAX_POSTER_PIXELS,
)

# What opening would load late, when the folders are out of sight.
for _name in "codeccontext stream subtitle".split():
    importlib.import_module(f"av.subtitles.{_name}")

_DEMUXERS: Final = {"mp4": "mov", "webm": "matroska"}
# As browsers play them.
_CODECS: Final = frozenset("h264 hevc vp8 vp9 av1 libdav1d".split())
_GLANCE: Final = (32, 32)
# Of 255. Black in film is 16 and is shown as 0; noise and a fade's first steps stay below this.
_LIT: Final = 40
# Degrees against the clock, as the file asks for, in the numbers of EXIF.
_ORIENTATIONS: Final = {90: 8, 180: 3, 270: 6}
# A pixel's shape beyond this is a mistake of the file's, which browsers pass over too.
_MAX_ASPECT: Final = 8


def examine_clip(data: mmap.mmap, format: str, widths: list[int]) -> dict[str, Any]:
    """All that the site keeps of a clip. Raises PictureRefused."""
    kind = clip_format(bytes(data[:1024]))
    if kind is None:
        raise PictureRefused("not_a_picture", {"found": "video"})
    require_whole_clip(data, kind)
    try:
        with av.open(
            io.BytesIO(data[:]), "r", format=_DEMUXERS[kind], options={"codec_whitelist": ",".join(sorted(_CODECS))}
        ) as container:
            look = _Look(_video_of(container))
            look.through(container)
            image, orientation = look.poster()
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise PictureRefused("clip_unreadable") from error
    width, height = image.size[::-1] if orientation >= 5 else image.size
    facts = {"format": kind, "width": width, "height": height, "frames": look.frames, **look.pace()}
    return {**facts, **describe(shrink(image, orientation, max(widths)), widths, format)}


def _video_of(container: InputContainer) -> VideoStream:
    """The stream that is shown, ready to be decoded in this thread alone."""
    if len(container.streams) > MAX_CLIP_STREAMS:
        raise PictureRefused("too_many_parts", {"limit": MAX_CLIP_STREAMS})
    if not container.streams.video:
        raise PictureRefused("clip_without_video")
    _check_length(Fraction(container.duration or 0, av.time_base))
    stream = container.streams.video[0]
    if stream.codec_context is None or stream.codec_context.name not in _CODECS:
        raise PictureRefused("clip_codec")
    _check_sides(stream.codec_context.width, stream.codec_context.height)
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_CLIP_PIXELS)}
    return stream


def _check_length(seconds: Fraction) -> None:
    if seconds > MAX_CLIP_SECONDS:
        raise PictureRefused("clip_too_long", {"seconds": -(-seconds // 1), "most": MAX_CLIP_SECONDS})


def _check_sides(width: int, height: int) -> None:
    if width * height > MAX_CLIP_PIXELS:
        raise PictureRefused("clip_too_large", {"width": width, "height": height, "limit": MAX_CLIP_PIXELS})


@dataclass
class _Look:
    """One walk through a clip: how long its parts truly are, and the first picture that is not dark."""

    stream: VideoStream
    frames: int = 0
    _told: Fraction = Fraction(0)
    _decoded: int = 0
    _first: VideoFrame | None = None
    _lit: VideoFrame | None = None
    _spans: dict[int, tuple[Fraction, Fraction]] = field(default_factory=dict)

    def through(self, container: InputContainer) -> None:
        """Every packet is looked at, since a header may lie; pictures are decoded until one will do."""
        self._told = max(Fraction(0), Fraction(container.duration or 0, av.time_base))
        for number, packet in enumerate(container.demux()):
            if number > MAX_CLIP_PACKETS:
                raise PictureRefused("too_many_parts", {"limit": MAX_CLIP_PACKETS})
            self._measure(packet)
            if packet.stream.index != self.stream.index:
                continue
            self.frames += packet.size > 0
            if self.frames > MAX_CLIP_FRAMES:
                raise PictureRefused("too_many_parts", {"limit": MAX_CLIP_FRAMES})
            if self._lit is None and self._decoded < MAX_POSTER_FRAMES:
                self._see(packet)

    def _measure(self, packet: Any) -> None:
        if packet.pts is None or packet.time_base is None:
            return
        start, end = packet.pts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base
        known = self._spans.get(packet.stream.index, (start, end))
        span = self._spans[packet.stream.index] = (min(start, known[0]), max(end, known[1]))
        _check_length(span[1] - span[0])

    def pace(self) -> dict[str, float]:
        """How many seconds a player shows for it, and how many pictures in each. Both 0 where that is not known."""
        start, end = self._spans.get(self.stream.index, (Fraction(0), Fraction(0)))
        rate = self.stream.average_rate or Fraction(0)
        if not 0 < rate <= MAX_CLIP_RATE:
            rate = Fraction(self.frames) / (end - start) if end > start else Fraction(0)
        longest = max([self._told, *(until - since for since, until in self._spans.values())])
        return {"seconds": round(float(longest), 3), "rate": round(min(float(rate), MAX_CLIP_RATE), 3)}

    def _see(self, packet: Any) -> None:
        for frame in packet.decode():
            _check_sides(frame.width, frame.height)
            self._decoded += 1
            if self._decoded * frame.width * frame.height > MAX_POSTER_PIXELS:
                self._decoded = MAX_POSTER_FRAMES
            self._first = self._first or frame
            if _is_lit(frame):
                self._lit = frame
                return

    def poster(self) -> tuple[Image.Image, int]:
        """The picture with square pixels, and its orientation as in EXIF. The first one where all are dark."""
        frame = self._lit or self._first
        if frame is None:
            raise PictureRefused("clip_unreadable")
        image = _pixels(frame.reformat(format="rgb24"), "RGB")
        size = _shown_size(*image.size, self.stream.sample_aspect_ratio)
        _check_sides(*size)
        return image if image.size == size else image.resize(size), _ORIENTATIONS.get(frame.rotation % 360, 1)


def _shown_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """With square pixels, as browsers do it: one side grows and none shrinks."""
    if not aspect or not Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _is_lit(frame: VideoFrame) -> bool:
    """Whether something is to be seen: a glance at a small gray copy."""
    glance = _pixels(frame.reformat(*_GLANCE, format="gray"), "L")
    _darkest, brightest = glance.getextrema()
    return isinstance(brightest, int | float) and brightest >= _LIT


def _pixels(frame: VideoFrame, mode: str) -> Image.Image:
    """A frame of one plane as a picture of Pillow's. (PyAV's own way loads modules late, behind the shut door.)"""
    plane = frame.planes[0]
    return Image.frombytes(mode, (frame.width, frame.height), bytes(plane), "raw", mode, plane.line_size, 1)


def main(job: str) -> int:
    """`job` as in `decode`."""
    return answer(job, examine_clip)
