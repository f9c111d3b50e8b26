"""Tiny pictures around given metadata, put together by hand so that nothing is added to it."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

from PIL import Image

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(key: str, text: str, kind: str = "") -> bytes:
    """tEXt where Latin-1 holds the text, iTXt otherwise; `kind` asks for `zTXt`, `iTXt`, packed `iTXz` or UTF-8 in
    `tEXt`, which the standard forbids and tools write."""
    kind = kind or ("tEXt" if text.isascii() else "iTXt")
    head, body = key.encode("latin-1") + b"\0", text.encode()
    if kind == "tEXt":
        return chunk(b"tEXt", head + body)
    if kind == "zTXt":
        return chunk(b"zTXt", head + b"\0" + zlib.compress(body, 0))
    if kind == "iTXz":
        return chunk(b"iTXt", head + b"\1\0\0\0" + zlib.compress(body, 0))
    return chunk(b"iTXt", head + b"\0\0\0\0" + body)


def png(*chunks: bytes, size: int = 8, pixels: bytes | None = None) -> bytes:
    """An RGBA picture with these chunks before its pixels."""
    stored = pixels or bytes((40, 60, 80, 255)) * size * size
    rows = b"".join(b"\0" + stored[row * size * 4 : (row + 1) * size * 4] for row in range(size))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0))
    picture = chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + picture


def png_texts(texts: dict[str, str], kind: str = "") -> bytes:
    """A PNG with these texts."""
    return png(*(text_chunk(key, text, kind) for key, text in texts.items()))


def user_comment(order: str, payload: bytes) -> bytes:
    """An Exif block of byte order `II` or `MM` that holds nothing but a UserComment."""
    e = "<" if order == "II" else ">"
    first = struct.pack(e + "H", 1) + struct.pack(e + "HHII", 0x8769, 4, 1, 26) + struct.pack(e + "I", 0)
    second = struct.pack(e + "H", 1) + struct.pack(e + "HHII", 0x9286, 7, len(payload), 44) + struct.pack(e + "I", 0)
    return b"Exif\0\0" + order.encode() + struct.pack(e + "HI", 42, 8) + first + second + payload


def ascii_fields(fields: dict[int, str]) -> bytes:
    """An Exif block of texts in its first directory, as Pillow and ComfyUI write them."""
    start, entries, values = 8 + 2 + 12 * len(fields) + 4, b"", b""
    for tag, text in sorted(fields.items()):
        stored = text.encode() + b"\0"
        entries += struct.pack(">HHII", tag, 2, len(stored), start + len(values))
        values += stored + b"\0" * (len(stored) % 2)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(fields)) + entries + bytes(4) + values


def framed(format: str, exif: bytes = b"", xmp: bytes = b"") -> bytes:
    """A JPEG, WebP, AVIF or GIF of 16 by 16 with an Exif block or an XMP packet."""
    stream = io.BytesIO()
    options: dict[str, object] = {"exif": exif} if exif else {}
    if xmp and format in ("WEBP", "AVIF"):
        options["xmp"] = xmp
    if format in ("WEBP", "AVIF"):
        options["quality"] = 50
    Image.new("RGB", (16, 16), "teal").save(stream, format, **options)
    data = stream.getvalue()
    if xmp and format == "JPEG":
        body = XMP_HEAD + xmp
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    return data


def gif(comment: str) -> bytes:
    """A GIF with a comment in pieces of up to 255 bytes."""
    stored = comment.encode()
    pieces = b"".join(bytes([len(stored[at : at + 255])]) + stored[at : at + 255] for at in range(0, len(stored), 255))
    plain = framed("GIF")
    end = 13 + (3 << ((plain[10] & 7) + 1) if plain[10] & 0x80 else 0)
    return plain[:end] + b"\x21\xfe" + pieces + b"\0" + plain[end:]


def jpeg_comment(text: str) -> bytes:
    """A JPEG with a comment segment."""
    plain, body = framed("JPEG"), text.encode()
    return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def hidden_pixels(text: str, signature: str, size: int = 64) -> bytes:
    """RGBA pixels with a text in the lowest bits of alpha, or of red, green and blue for an `rgb` signature."""
    body = gzip.compress(text.encode(), mtime=0) if signature.endswith("comp") else text.encode()
    stored = signature.encode() + struct.pack(">I", len(body) * 8) + body
    bits = [byte >> shift & 1 for byte in stored for shift in range(7, -1, -1)]
    assert len(bits) <= size * size * (3 if "rgb" in signature else 1)
    pixels = bytearray(bytes((40, 60, 80, 255)) * size * size)
    for number, bit in enumerate(bits):
        place, channel = (number // 3, number % 3) if "rgb" in signature else (number, 3)
        x, y = divmod(place, size)
        at = (y * size + x) * 4 + channel
        pixels[at] = pixels[at] & 0xFE | bit
    return bytes(pixels)
