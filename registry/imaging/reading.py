"""Examine a picture: the door through which the rest of the site looks at hostile bytes."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from registry.imaging.containers import read_header
from registry.imaging.containers.clips import CLIP_LABELS, clip_format
from registry.imaging.containers.sniffing import LABELS
from registry.imaging.errors import PictureRefused, ReadingFailed
from registry.imaging.jail import Bounds, run_jailed
from registry.imaging.limits import (
    MAX_BYTES,
    MAX_CLIP_FRAMES,
    MAX_CLIP_RATE,
    MAX_CLIP_SECONDS,
    MAX_FRAMES,
    MAX_RENDITION_BYTES,
    MAX_SIDE,
    RENDITION_WIDTHS,
)

_MAX_FACTS: Final = 16_384
_COLOR_LENGTH: Final = 7
_START: Final = 1024

RenditionFormat = Literal["webp", "avif"]


@dataclass(frozen=True, slots=True)
class RenditionFacts:
    """A smaller copy that lies in the folder."""

    path: Path
    format: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture as it is shown: orientation applied. `dhash` is 64 bits, signed; `color` is `#rrggbb`.

    Of a clip `seconds` long with `rate` pictures a second; 0 where that is not known, and of pictures.
    """

    format: str
    width: int
    height: int
    frames: int
    color: str
    dhash: int
    renditions: tuple[RenditionFacts, ...]
    seconds: float = 0
    rate: float = 0

    @property
    def mime(self) -> str:
        """The media type of the original."""
        return f"{'video' if self.is_clip else 'image'}/{self.format}"

    @property
    def is_clip(self) -> bool:
        """Whether the original is a film, and the copies show one picture of it."""
        return self.format in CLIP_LABELS

    @property
    def is_animated(self) -> bool:
        """Whether the original moves."""
        return self.is_clip or self.frames > 1


def examine_picture(
    source: IO[bytes],
    folder: Path,
    *,
    format: RenditionFormat = "webp",
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
) -> PictureFacts:
    """Look at the picture or clip in `source`, an open file, and write smaller copies into `folder`, which is empty.

    Raises PictureRefused with the reason, ReadingFailed when this machine could not do it.
    """
    size = os.fstat(source.fileno()).st_size
    if not size:
        raise PictureRefused("empty")
    if size > MAX_BYTES:
        raise PictureRefused("too_many_bytes", {"limit": MAX_BYTES})
    job = json.dumps({"format": format, "widths": RENDITION_WIDTHS})
    program = "clips" if clip_format(os.pread(source.fileno(), _START, 0)) else "decode"
    run_jailed(f"registry.imaging.{program}:main", source, folder, job, bounds=bounds)
    answer = _answer(folder / "facts.json")
    if "refused" in answer:
        raise PictureRefused(str(answer["refused"]), answer.get("params") or {})
    try:
        return _checked(answer, folder, format)
    except (KeyError, TypeError, ValueError) as error:
        # A child that was taken over could say anything; nothing of it is believed.
        raise PictureRefused("damaged") from error


def _answer(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            answer = json.loads(file.read(_MAX_FACTS))
    except (OSError, ValueError) as error:
        raise ReadingFailed(f"the child left no answer: {error}") from error
    if not isinstance(answer, dict):
        raise ReadingFailed("the child's answer is no object")
    return answer


def _whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} is not between {least} and {most}")
    return value


def _real(value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not between 0 and {most}")
    return float(value)


def _checked(answer: dict[str, Any], folder: Path, format: str) -> PictureFacts:
    """The answer with every value held against what it may be."""
    color = answer["color"]
    if len(color) != _COLOR_LENGTH or color[0] != "#" or int(color[1:], 16) < 0:
        raise ValueError("no color")
    if answer["format"] not in {*LABELS, *CLIP_LABELS}:
        raise ValueError("no format")
    renditions = tuple(_rendition(row, folder, format) for row in answer["renditions"][: len(RENDITION_WIDTHS)])
    if not renditions:
        raise ValueError("no renditions")
    return PictureFacts(
        format=answer["format"],
        width=_whole(answer["width"], 1, MAX_SIDE),
        height=_whole(answer["height"], 1, MAX_SIDE),
        frames=_whole(answer["frames"], 1, max(MAX_FRAMES, MAX_CLIP_FRAMES)),
        color=color,
        dhash=_whole(answer["dhash"], -(1 << 63), (1 << 63) - 1),
        renditions=renditions,
        seconds=_real(answer.get("seconds", 0), MAX_CLIP_SECONDS),
        rate=_real(answer.get("rate", 0), MAX_CLIP_RATE),
    )


def _rendition(row: dict[str, Any], folder: Path, format: str) -> RenditionFacts:
    """One copy, its size and sides read from the file itself."""
    width = _whole(row["width"], 1, max(RENDITION_WIDTHS))
    path = folder / f"{width}.{format}"
    if path.is_symlink() or not path.is_file():
        raise ValueError("no such rendition")
    size = _whole(path.stat().st_size, 1, MAX_RENDITION_BYTES)
    header = read_header(path.read_bytes())
    if (header.format, header.width, header.height) != (format, width, row["height"]):
        raise ValueError("a rendition of another kind")
    return RenditionFacts(path=path, format=format, width=width, height=header.height, size=size)
