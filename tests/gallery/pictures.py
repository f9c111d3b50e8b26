"""Tiny pictures with generation data in them, built as their tools would have written them."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

from PIL import Image, PngImagePlugin


def png(size: tuple[int, int] = (8, 8), **texts: str) -> bytes:
    """A PNG with text chunks; `__` in a name stands for `-`."""
    info = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        key = name.replace("__", "-")
        if value.isascii():
            info.add_text(key, value)
        else:
            info.add_itxt(key, value)
    return _saved(Image.new("RGB", size, "navy"), "PNG", pnginfo=info)


def png_with_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG with one raw chunk right after its header."""
    plain = _saved(Image.new("RGB", (8, 8)), "PNG")
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return plain[:33] + chunk + plain[33:]


def user_comment(order: str, payload: bytes) -> bytes:
    """An Exif block of byte order `II` or `MM` that holds nothing but a UserComment."""
    e = "<" if order == "II" else ">"
    first = struct.pack(e + "H", 1) + struct.pack(e + "HHII", 0x8769, 4, 1, 26) + struct.pack(e + "I", 0)
    second = struct.pack(e + "H", 1) + struct.pack(e + "HHII", 0x9286, 7, len(payload), 44) + struct.pack(e + "I", 0)
    return b"Exif\0\0" + order.encode() + struct.pack(e + "HI", 42, 8) + first + second + payload


def picture(format: str, exif: bytes) -> bytes:
    """A JPEG, WebP or AVIF with this Exif block."""
    return _saved(Image.new("RGB", (16, 16), "teal"), format, exif=exif)


def stealth(text: str, signature: str, size: tuple[int, int] = (96, 96), *, length: int | None = None) -> Image.Image:
    """A picture with a text in the lowest bits of its alpha channel, or of its colors for an `rgb` signature."""
    body = gzip.compress(text.encode()) if signature.endswith("comp") else text.encode()
    bits = "".join(f"{byte:08b}" for byte in signature.encode())
    bits += f"{len(body) * 8 if length is None else length:032b}" + "".join(f"{byte:08b}" for byte in body)
    image = Image.new("RGBA", size, (40, 60, 80, 255))
    pixels = image.load()
    rgb = "rgb" in signature
    for number, bit in enumerate(bits):
        place, channel = (number // 3, number % 3) if rgb else (number, 3)
        x, y = divmod(place, size[1])
        values = list(pixels[x, y])
        values[channel] = (values[channel] & 0xFE) | int(bit)
        pixels[x, y] = tuple(values)
    return image


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()
