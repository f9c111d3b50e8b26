"""The pictures that a request takes in: what is painted over, the mask that says where, what a ControlNet follows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from inference.engine.errors import BadIngredient

MAX_PIXELS: Final = 64_000_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP")


def read_picture(path: Path, role: str) -> Image.Image:
    """The picture as RGB, upright, on white where it is transparent. Raises BadIngredient."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is asked below
            with Image.open(path, formats=_FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise BadIngredient("picture_too_large", role, width=opened.width, height=opened.height)
                upright = ImageOps.exif_transpose(opened)
                return _on_white(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadIngredient("unreadable_picture", role, reason=str(fault)[:200]) from fault


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        solid = picture.convert("RGBA")
        ground = Image.new("RGBA", solid.size, "white")
        return Image.alpha_composite(ground, solid).convert("RGB")
    return picture.convert("RGB")


def read_init(path: Path, size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """The picture that is painted over, at the size of the render, and the size that it had."""
    picture = read_picture(path, "init")
    return _sized(picture, size), picture.size


def read_mask(path: Path, size: tuple[int, int], expected: tuple[int, int]) -> Image.Image:
    """The mask as shades of gray, white where it is painted anew. It must have the size of the picture it covers."""
    mask = read_picture(path, "mask").convert("L")
    if mask.size != expected and mask.size != size:
        found, wanted = f"{mask.width} x {mask.height}", f"{expected[0]} x {expected[1]}"
        raise BadIngredient("mask_size", "mask", found=found, wanted=wanted)
    return _sized(mask, size)


def read_control(path: Path, size: tuple[int, int]) -> Image.Image:
    """The picture that a ControlNet follows, at the size of the render."""
    return _sized(read_picture(path, "control"), size)


def _sized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
