"""Colors as a screen shows them, and two small digests of a picture."""

import io
from typing import Final

from PIL import Image, ImageCms

# What each mode of Pillow holds, in the words of an ICC profile.
_SPACES: Final = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_SRGB_GAMMA: Final = 0.45455


def flatten(image: Image.Image) -> Image.Image:
    """One of L, LA, RGB, RGBA or CMYK with eight bits: what can be made smaller and profiled. Decodes."""
    image.load()
    if image.mode in {"P", "PA"}:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.mode in {"L", "RGB"} and "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        return image
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """The upper half of sixteen bits."""
    wide = image if image.mode == "I" else image.convert("I")
    return wide.point(lambda value: value * (1 / 257) + 0.5).convert("L")


def to_srgb(image: Image.Image, profile: bytes | None, gamma: float | None) -> Image.Image:
    """The picture in sRGB, as RGB, or RGBA where it has transparency.

    A profile that cannot be read, or is for another kind of picture, is passed over, as browsers do.
    """
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    plain = image.convert({"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode))
    shown = _by_profile(plain, profile) if profile else None
    if shown is None:
        shown = plain.convert("RGB")
        if gamma and abs(gamma - _SRGB_GAMMA) > 0.005:
            shown = shown.point(_gamma_table(gamma) * 3)
    if alpha is not None:
        shown.putalpha(alpha)
    shown.info = {}  # the profile used would be written into every copy
    return shown


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if _SPACES[image.mode] != space:
            return None
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _gamma_table(gamma: float) -> list[int]:
    """Stored value to sRGB value, where stored = light ** gamma (PNG, gAMA)."""
    return [round(255 * _srgb((value / 255) ** (1 / gamma if gamma > 0.01 else 100))) for value in range(256)]


def _srgb(light: float) -> float:
    """IEC 61966-2-1, light to signal."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def average_color(image: Image.Image) -> str:
    """`#rrggbb`: what the eye sees before the picture is there. Clear parts do not count; all clear is middle gray."""
    red, green, blue, alpha = image.convert("RGBA").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return f"#{red:02x}{green:02x}{blue:02x}" if alpha else "#808080"


def difference_hash(image: Image.Image) -> int:
    """64 bits: for each of 8 rows, whether each of 8 places is darker than its right neighbor. Signed, for a database.

    Near-equal pictures differ in few bits (Neal Krawetz, "Kind of Like That", 2013).
    """
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    gray = ground.convert("L").resize((9, 8), Image.Resampling.BOX)
    values = gray.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            left, right = values[row * 9 + column], values[row * 9 + column + 1]
            bits = bits << 1 | (left < right)
    return bits - (1 << 64) if bits >> 63 else bits
