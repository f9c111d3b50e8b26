"""The table of pictures that must be refused, each with the reason. Shared by the tests of every door."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.registry.pictures.build import (
    chunk,
    deflated_zeros,
    gif,
    ihdr,
    insert_chunk,
    moving,
    riff,
    saved,
    scene,
    segment,
    vp8x,
    zip_file,
)

PNG = saved(scene(), "PNG")
JPEG = saved(scene(), "JPEG")
WEBP = saved(scene(), "WEBP")
AVIF = saved(scene(), "AVIF")
GIF = saved(scene(), "GIF")
ACTL = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
PDF_COMMENT = segment(0xFE, b"%PDF-1.7 1 0 obj")


@dataclass(frozen=True)
class Hostile:
    """Bytes made when asked for, and the code with which they are refused."""

    id: str
    make: Callable[[], bytes]
    code: str


def _bomb_png(width: int, height: int) -> bytes:
    """A PNG whose pixels are all there, deflated to a thousandth."""
    return ihdr(width, height) + chunk(b"IDAT", deflated_zeros((width * 3 + 1) * height)) + chunk(b"IEND")


def _apng_bomb() -> bytes:
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4000, 4000, 0, 0, 1, 10, 0, 0))
    animation = chunk(b"acTL", struct.pack(">II", 2, 0))
    data = chunk(b"IDAT", deflated_zeros(1 << 20))
    return ihdr(4000, 4000) + animation + (control + data) + control * 60 + chunk(b"IEND")


def _webp_bomb() -> bytes:
    frame = (b"ANMF", bytes(16) + b"VP8L" + struct.pack("<I", 6) + b"\x2f" + bytes(5))
    return riff(vp8x(8000, 8000, flags=2), (b"ANIM", bytes(6)), *[frame] * 20)


def _avif_of(width: int, height: int) -> bytes:
    """A true AVIF whose size property lies."""
    at = AVIF.index(b"ispe") + 8
    return AVIF[:at] + struct.pack(">II", width, height) + AVIF[at + 8 :]


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

HOSTILE = [
    Hostile("empty", lambda: b"", "empty"),
    Hostile(
        "png-65535-square-header-only", lambda: ihdr(65535, 65535) + chunk(b"IDAT") + chunk(b"IEND"), "side_too_long"
    ),
    Hostile("png-bomb-with-all-its-pixels", lambda: _bomb_png(12_000, 12_000), "too_many_pixels"),
    Hostile("png-no-pixels", lambda: ihdr(0, 5) + chunk(b"IDAT") + chunk(b"IEND"), "damaged"),
    Hostile("png-without-data", lambda: ihdr(5, 5) + chunk(b"IEND"), "damaged"),
    Hostile("png-side", lambda: ihdr(16_385, 1) + chunk(b"IDAT") + chunk(b"IEND"), "side_too_long"),
    Hostile("png-cut", lambda: PNG[:-20], "truncated"),
    Hostile("png-cut-in-its-header", lambda: PNG[:20], "truncated"),
    Hostile("png-data-missing-inside", lambda: ihdr(90, 90) + chunk(b"IDAT", b"x\x9c") + chunk(b"IEND"), "truncated"),
    Hostile("png-wrong-checksum", lambda: PNG[:45] + bytes([PNG[45] ^ 1]) + PNG[46:], "damaged"),
    Hostile("png-chunk-of-4-gb", lambda: ihdr(5, 5) + b"\xff\xff\xff\xffIDAT", "damaged"),
    Hostile("png-million-chunks", lambda: insert_chunk(PNG, chunk(b"teSt") * 250_000), "too_many_parts"),
    Hostile("apng-bomb", _apng_bomb, "animation_too_large"),
    Hostile("apng-claims-frames", lambda: insert_chunk(PNG, ACTL), "animation_too_large"),
    Hostile("gif-bomb", lambda: gif(4000, 4000, 50), "animation_too_large"),
    Hostile("gif-of-65535", lambda: gif(65535, 65535, 1), "side_too_long"),
    Hostile("gif-endless", lambda: gif(1, 1, 5_000), "animation_too_large"),
    Hostile("gif-cut", lambda: moving("GIF")[:-40], "truncated"),
    Hostile("gif-no-frame", lambda: gif(10, 10, 0), "damaged"),
    Hostile("webp-bomb", _webp_bomb, "animation_too_large"),
    Hostile(
        "webp-canvas-of-16-million",
        lambda: riff(vp8x(1 << 24, 1 << 24), (b"VP8L", b"\x2f" + bytes(9))),
        "side_too_long",
    ),
    Hostile("webp-cut", lambda: WEBP[:-30], "truncated"),
    Hostile("webp-empty", lambda: riff(), "damaged"),
    Hostile("avif-lies-about-its-size", lambda: _avif_of(65535, 65535), "side_too_long"),
    Hostile("avif-cut", lambda: AVIF[:-30], "truncated"),
    Hostile("avif-without-picture", lambda: AVIF[: int.from_bytes(AVIF[:4], "big")], "damaged"),
    Hostile("jpeg-cut", lambda: JPEG[:-100], "truncated"),
    Hostile("jpeg-of-65535", lambda: JPEG.replace(struct.pack(">HH", 64, 96), b"\xff\xff\xff\xff", 1), "side_too_long"),
    Hostile("jpeg-no-frame", lambda: b"\xff\xd8" + segment(0xFE, b"hello") + b"\xff\xd9", "damaged"),
    Hostile("jpeg-garbage-between", lambda: JPEG[:2] + b"garbage" + JPEG[2:], "not_a_picture"),
    Hostile("svg", lambda: SVG, "format_not_accepted"),
    Hostile("tiff", lambda: saved(scene(), "TIFF"), "format_not_accepted"),
    Hostile("bmp", lambda: saved(scene(), "BMP"), "format_not_accepted"),
    Hostile("psd", lambda: b"8BPS\0\1" + bytes(60), "format_not_accepted"),
    Hostile("jpeg-2000", lambda: saved(scene(), "JPEG2000"), "format_not_accepted"),
    Hostile("heic", lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(40), "format_not_accepted"),
    Hostile("html", lambda: b"<!DOCTYPE html><title>Sign in</title><script>alert(1)</script>", "not_a_picture"),
    Hostile("zip", zip_file, "not_a_picture"),
    Hostile("text", lambda: b"put pictures here", "not_a_picture"),
    Hostile("quicktime", lambda: b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(40), "not_a_picture"),
    Hostile("png-then-zip", lambda: PNG + zip_file(), "polyglot"),
    Hostile("jpeg-then-zip", lambda: JPEG + zip_file(), "polyglot"),
    Hostile("webp-then-zip", lambda: WEBP + zip_file(), "polyglot"),
    Hostile("avif-then-zip", lambda: AVIF + zip_file(), "polyglot"),
    Hostile("gif-then-zip", lambda: GIF + zip_file(), "polyglot"),
    Hostile("zip-inside-a-chunk", lambda: insert_chunk(PNG, chunk(b"teSt", zip_file())), "polyglot"),
    Hostile("zip-inside-a-comment", lambda: JPEG[:2] + segment(0xFE, zip_file()) + JPEG[2:], "polyglot"),
    Hostile("png-then-page", lambda: PNG + b"\n\n<html><script>alert(1)</script>", "polyglot"),
    Hostile("jpeg-then-php", lambda: JPEG + b"<?php system($_GET[0]);", "polyglot"),
    Hostile("gif-then-shell", lambda: GIF + b"\n#!/bin/sh\nrm -r x", "polyglot"),
    Hostile("png-then-program", lambda: PNG + b"\x7fELF\x02\x01\x01", "polyglot"),
    Hostile("png-then-pickle", lambda: PNG + b"\x80\x04\x95\x10\0\0\0\0\0\0\0", "polyglot"),
    Hostile("pdf-inside-the-first-kilobyte", lambda: JPEG[:2] + PDF_COMMENT + JPEG[2:], "polyglot"),
    Hostile("png-then-pdf", lambda: PNG + bytes(2000) + b"%PDF-1.4", "polyglot"),
]
