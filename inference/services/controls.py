"""The house's control picture: lines of a small scene, by which ControlNets are previewed."""

from __future__ import annotations

import hashlib
import io
from typing import Final

from PIL import Image, ImageDraw

from community.models import User
from registry.models import Blob, Picture
from registry.services.keeping import keep_png
from registry.storage import blob_store

# White lines on black, in hundredths of the sides: what edge, scribble and line models read.
_LINES: Final = (
    ((0, 72), (30, 66), (58, 70), (100, 64)),
    ((18, 67), (18, 42), (34, 28), (50, 42), (50, 68)),
    ((18, 42), (50, 42)),
    ((29, 67), (29, 52), (39, 52), (39, 68)),
    ((74, 68), (74, 50)),
    ((80, 67), (80, 50)),
)
_MAX_BYTES: Final = 200_000
_MAX_PIXELS: Final = 4_000_000
_ROUNDS: Final = ((62, 22, 92, 52), (6, 6, 22, 22))


def draw_control(width: int, height: int) -> bytes:
    """The scene as a PNG of that size: a house, a tree and the sun over a line of ground. Always the same bytes."""
    picture = Image.new("RGB", (width, height), "black")
    pen, thick = ImageDraw.Draw(picture), max(1, min(width, height) // 96)
    for line in _LINES:
        pen.line([(x * width / 100, y * height / 100) for x, y in line], "white", thick)
    for left, top, right, bottom in _ROUNDS:
        box = (left * width / 100, top * height / 100, right * width / 100, bottom * height / 100)
        pen.ellipse(box, outline="white", width=thick)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def house_control(width: int, height: int) -> Picture:
    """The scene, stored. Raises StoreFull and StoreUnavailable."""
    return keep_png(draw_control(width, height), f"control-{width}x{height}.png")


def is_house_control(blob: Blob, person: User) -> bool:
    """Whether these bytes are the scene in some size, which everybody may render from (`settings.RENDER_PICTURES`)."""
    if blob.format != "png" or blob.size > _MAX_BYTES:
        return False
    with blob_store().open(blob.key) as stream:
        head = stream.read(24)
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if not 0 < width * height <= _MAX_PIXELS:
        return False
    return hashlib.sha256(draw_control(width, height)).hexdigest() == blob.pk
