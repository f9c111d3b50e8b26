"""The child's program: what one picture's file says beside its pixels.

Reads standard input, writes into the working folder: `told.json`, and `raw`, the blocks as they stood. Runs only
inside `registry.imaging.cell`; what reading may need is imported here, since the door is shut afterwards.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import json
import mmap
import sys
import traceback
import zlib
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageFile, ImageOps, PngImagePlugin

from gallery.imagemeta.generation import Generation
from gallery.imagemeta.private import find_private
from gallery.imagemeta.read import blocks_of, read_generation
from gallery.imagemeta.stealth import read_stealth
from gallery.imagemeta.stripping import strip
from registry.formats.errors import MalformedFile
from registry.imaging.containers import read_header
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_PIXELS

# Formats that keep their pixels to the last bit; nothing survives in the others.
_EXACT: Final = ("png", "webp")

# What opening and decoding would load late, when the folders are out of sight.
for _name in ("Png", "WebP"):
    importlib.import_module(f"PIL.{_name}ImagePlugin")
for _name in "ascii latin-1 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be euc_jp".split():
    codecs.lookup(_name)


def read(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """What is told of a picture, and the blocks as they stood."""
    try:
        # Tools write both: what the blocks say may stand in the pixels once more.
        found, hidden = read_generation(data), _hidden_text(data)
        if found is None and hidden:
            found = read_generation(data, hidden)
        blocks = dict(found.raw) if found else {block.place: block.text for block in reversed(blocks_of(data))}
        private = find_private(data, hidden)
    except MalformedFile as fault:
        return {"note": fault.reason}, {}
    findings = [{"kind": each.kind, "place": each.place, "text": each.excerpt} for each in private]
    return {"generation": plain_generation(found) if found else None, "private": findings}, blocks


def plain_generation(found: Generation) -> dict[str, Any]:
    """What was read, in JSON's words."""
    fields = {name: getattr(found, name) for name in found.__slots__ if name not in ("raw", "resources", "extra")}
    resources = [[each.kind, each.name, each.weight, each.hash] for each in found.resources]
    return {**fields, "extra": dict(found.extra), "resources": resources}


def _hidden_text(data: bytes) -> str | None:
    """The text in the lowest bits of the pixels, where there is one; of an animation in those of its first picture."""
    try:
        header = read_header(data)
        if header.format not in _EXACT:
            return None
        with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as image:
            width, height = image.size
            if image.mode == "RGBA":
                alpha = image.getchannel("A").tobytes()
                if hidden := read_stealth(alpha, width, height, 1):
                    return hidden
            if image.mode in ("RGB", "RGBA"):
                return read_stealth(image.convert("RGB").tobytes(), width, height, 3)
    except (PictureRefused, OSError, ValueError, SyntaxError):
        traceback.print_exc()  # a picture that cannot be decoded hides nothing; the decoder says so elsewhere
    return None


def _without_hidden(data: bytes) -> bytes:
    """The picture with its lowest bits flattened and its metadata gone. Raises MalformedFile `in_pixels`.

    No eye sees the difference, but these are not the pixels that were sent: what hides in them cannot be taken out
    otherwise.
    """
    header = read_header(data)
    if header.frames > 1:
        raise MalformedFile("in_pixels", "an animation hides a text in its pixels")
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as opened:
        profile = opened.info.get("icc_profile")
        image = ImageOps.exif_transpose(opened).convert("RGBA" if opened.mode == "RGBA" else "RGB")
    bands = [band.point([value & ~1 for value in range(256)]) for band in image.split()[:3]]
    if image.mode == "RGBA":
        bands.append(image.getchannel("A").point([value | 1 for value in range(256)]))
    flat = Image.merge(image.mode, bands)
    exact = {"lossless": True, "exact": True} if header.format == "webp" else {}
    flat.save(stream, header.format.upper(), icc_profile=profile, **exact)
    if _hidden_text(stream.getvalue()) is not None:
        raise MalformedFile("in_pixels", "a text in the pixels stays")
    return stream.getvalue()


def _stripped(data: bytes, kind: str) -> bytes:
    """The picture without its metadata, or without what is private in it, wherever that stands."""
    hidden = _hidden_text(data)
    if hidden is not None and (kind == "bare" or find_private(b"", hidden)):
        data = _without_hidden(data)
    return strip(data, keep_generation=kind == "clean")


def strip_main(kind: str) -> int:
    """Leaves the picture without its metadata in the folder, or why that is not possible. `kind`: clean or bare."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with contextlib.closing(mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        data = mapped[:]
    told: dict[str, Any] = {}
    try:
        Path("stripped").write_bytes(_stripped(data, kind))
    except MalformedFile as fault:
        told = {"error": fault.reason}
    Path("told.json").write_text(json.dumps(told), "ascii")
    return 0


def main() -> int:
    """Leaves its answer in the folder."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 16 << 20
    with contextlib.closing(mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        told, blocks = read(mapped[:])
    Path("raw").write_bytes(zlib.compress(json.dumps(blocks).encode("ascii"), 6) if blocks else b"")
    Path("told.json").write_text(json.dumps(told), "ascii")
    return 0
