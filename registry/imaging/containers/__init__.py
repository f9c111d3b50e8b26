"""Headers of the five formats that are taken, and names for those that are not.

`read_header(data)` walks the parts of a file (chunks, segments, blocks, boxes) without decompressing any, so that
sizes, frames, missing ends and foreign tails are known before a decoder sees a byte.
"""

from registry.imaging.containers import avif, gif, jpeg, png, webp
from registry.imaging.containers.header import Data, Header
from registry.imaging.containers.sniffing import name_of, sniff
from registry.imaging.containers.tails import find_foreign
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_ANIMATION_PIXELS, MAX_BYTES, MAX_FRAMES, MAX_PIXELS, MAX_SIDE

__all__ = ["Data", "Header", "check_size", "find_foreign", "name_of", "read_header", "sniff"]

_READERS = {"png": png.read, "jpeg": jpeg.read, "gif": gif.read, "webp": webp.read, "avif": avif.read}


def read_header(data: Data) -> Header:
    """What a whole file says about itself. Raises PictureRefused with the reason, never anything else."""
    if not len(data):
        raise PictureRefused("empty")
    if len(data) > MAX_BYTES:
        raise PictureRefused("too_many_bytes", {"limit": MAX_BYTES})
    header = _READERS[sniff(bytes(data[:1024]))](data)
    check_size(header.width, header.height, header.frames)
    if found := find_foreign(data, header.end):
        raise PictureRefused("polyglot", {"found": found})
    return header


def check_size(width: int, height: int, frames: int = 1) -> None:
    """Refuse what would be too large once decoded."""
    if width < 1 or height < 1:
        raise PictureRefused("damaged")
    if max(width, height) > MAX_SIDE:
        raise PictureRefused("side_too_long", {"side": max(width, height), "limit": MAX_SIDE})
    if width * height > MAX_PIXELS:
        raise PictureRefused("too_many_pixels", {"pixels": width * height, "limit": MAX_PIXELS})
    if frames > MAX_FRAMES or (frames > 1 and width * height * frames > MAX_ANIMATION_PIXELS):
        pixels = width * height * frames
        raise PictureRefused("animation_too_large", {"pixels": pixels, "frames": frames, "limit": MAX_ANIMATION_PIXELS})
