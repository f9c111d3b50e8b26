"""The child's program: look at one picture, refuse it or write smaller copies of it.

Reads standard input, writes into the working folder: `facts.json`, and one file a rendition. Runs only inside
`registry.imaging.cell`; everything that decoding may need is imported here, since the door is shut afterwards.
"""

import codecs
import contextlib
import errno
import importlib
import io
import json
import mmap
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import AvifImagePlugin, Image, ImageFile, PngImagePlugin

from registry.imaging.cell import NO_ROOM
from registry.imaging.colors import average_color, difference_hash, flatten, to_srgb
from registry.imaging.containers import Header, check_size, read_header
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_PIXELS, MAX_RENDITION_SIDE

# Takes the bytes, the format of the copies and their widths; answers with facts.
Look = Callable[[mmap.mmap, str, list[int]], dict[str, Any]]

_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SAVE: Final[dict[str, dict[str, Any]]] = {
    "webp": {"quality": 82, "method": 4},
    "avif": {"quality": 63, "speed": 6, "max_threads": 1},
}


# What opening and saving would load late, when the folders are out of sight.
for _name in "Bmp Gif Jpeg Tiff WebP".split():
    importlib.import_module(f"PIL.{_name}ImagePlugin")
for _name in "ImageCms ImageColor ImageFilter ImagePalette".split():
    importlib.import_module(f"PIL.{_name}")
for _name in "ascii latin-1 utf-16 utf-16-le utf-16-be".split():
    codecs.lookup(_name)
Image.preinit()


def _prepare() -> None:
    """Pillow's own guards set to ours, and no thread beside this one."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    PngImagePlugin.MAX_TEXT_CHUNK = 4 << 20  # an iCCP profile is read as one
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    warnings.simplefilter("ignore")


def _open(data: mmap.mmap, header: Header) -> Image.Image:
    """The first frame, not decoded yet, from the ranges that it needs and no more."""
    needed = b"".join(data[start:end] for start, end in header.still)
    image = Image.open(io.BytesIO(needed), formats=[header.format.upper()])
    check_size(*image.size)
    return image


def _orientation(image: Image.Image, header: Header) -> int:
    """How the picture must be turned. Pillow tells an AVIF's own turning as if it were EXIF."""
    if header.orientation is not None:
        return header.orientation
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    asked = exif.get(_ORIENTATION, 1)
    return asked if asked in _TURNS else 1


def fitting(width: int, height: int, limit: int) -> tuple[int, int]:
    """The size of a copy at most `limit` wide: same shape, never larger than the original, no side beyond a codec's."""
    scale = min(1.0, limit / width, MAX_RENDITION_SIDE / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink(image: Image.Image, orientation: int, limit: int) -> Image.Image:
    """The picture upright and at most `limit` wide, in the colors it is stored in."""
    turned = orientation >= 5
    width, height = image.size[::-1] if turned else image.size
    target = fitting(width, height, limit)
    stored = target[::-1] if turned else target
    if image.format == "JPEG":
        image.draft(image.mode, (stored[0] * 2, stored[1] * 2))
    icc = image.info.get("icc_profile")
    image = flatten(image)
    if image.size != stored:
        image = image.resize(stored, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    image.info = {"icc_profile": icc} if icc else {}
    return image


def _write(image: Image.Image, widths: list[int], format: str) -> list[dict[str, Any]]:
    """One file a width, without metadata. Widths beyond the picture's own fall together."""
    written: list[dict[str, Any]] = []
    for width, height in sorted({fitting(*image.size, width) for width in widths}):
        copy = image if image.size == (width, height) else image.resize((width, height), Image.Resampling.LANCZOS)
        name = f"{width}.{format}"
        copy.save(name, format.upper(), **_SAVE[format])
        written.append({"file": name, "format": format, "width": width, "height": height})
    return written


def examine(data: mmap.mmap, format: str, widths: list[int]) -> dict[str, Any]:
    """All that the site keeps of a picture. Raises PictureRefused, or whatever Pillow raises over damage."""
    header = read_header(data)
    image = _open(data, header)
    orientation = _orientation(image, header)
    width, height = image.size[::-1] if orientation >= 5 else image.size
    small = shrink(image, orientation, max(widths))
    small = to_srgb(small, small.info.pop("icc_profile", None), header.gamma)
    return {
        "format": header.format,
        "width": width,
        "height": height,
        "frames": header.frames,
        **describe(small, widths, format),
    }


def describe(small: Image.Image, widths: list[int], format: str) -> dict[str, Any]:
    """What is kept of a small picture in sRGB, its copies written."""
    return {
        "color": average_color(small),
        "dhash": difference_hash(small),
        "renditions": _write(small, widths, format),
    }


def _facts(look: Look, format: str, widths: list[int]) -> dict[str, Any]:
    """The answer, whatever the bytes are."""
    try:
        with contextlib.closing(mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ)) as data:
            return look(data, format, widths)
    except PictureRefused as refusal:
        return {"refused": refusal.code, "params": refusal.params}
    except MemoryError:
        raise
    except Exception as error:  # a decoder may raise anything over damage; the traceback goes to the parent's log
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        traceback.print_exc()
        truncated = "truncated" in str(error).lower()
        return {"refused": "truncated" if truncated else "damaged", "params": {}}


def answer(job: str, look: Look) -> int:
    """Leaves in the folder what `look` tells of standard input. `job` is JSON: `format` (webp or avif) and `widths`."""
    wanted = json.loads(job)
    _prepare()
    try:
        Path("facts.json").write_text(json.dumps(_facts(look, wanted["format"], wanted["widths"])), "ascii")
    except OSError:
        traceback.print_exc()
        return NO_ROOM
    return 0


def main(job: str) -> int:
    """`job` is JSON: `format` of the copies (webp or avif) and their `widths`."""
    return answer(job, examine)
