"""Pictures made on the spot: good ones, and each way in which one can lie. Nothing here is a file of somebody's."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable

from PIL import Image, ImageCms, ImageDraw


def scene(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Four quarters of different color: top left red, top right green, bottom left blue, bottom right white."""
    image = Image.new("RGB", (width, height), (20, 30, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), (220, 30, 20))
    draw.rectangle((width // 2, 0, width, height // 2 - 1), (30, 200, 40))
    draw.rectangle((width // 2, height // 2, width, height), (255, 255, 255))
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """The bytes of a picture."""
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """A PNG chunk with its true checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def ihdr(width: int, height: int, depth: int = 8, color: int = 2) -> bytes:
    """The head of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))


def insert_chunk(png: bytes, *chunks: bytes) -> bytes:
    """`chunks` put behind the header of a PNG."""
    return png[:33] + b"".join(chunks) + png[33:]


def segment(marker: int, content: bytes) -> bytes:
    """A JPEG segment."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def exif(orientation: int) -> bytes:
    """An EXIF block, without its prefix, that asks to be turned."""
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def moving(format: str, frames: int = 2, **options: object) -> bytes:
    """An animation of differing frames."""
    first, *rest = [scene(mode="RGBA").rotate(20 * index) for index in range(frames)]
    return saved(first, format, save_all=True, append_images=rest, duration=100, **options)


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF that claims a screen and `frames` frames as large, each a few bytes of coded data."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    palette = b"\0\0\0\xff\xff\xff" + b"\0" * 6
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x81, 0, 0) + palette + frame * frames + b";"


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP made of these chunks."""
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def vp8x(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    """The chunk that holds a WebP's canvas."""
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def zip_file() -> bytes:
    """A small archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("run.py", "print('hello')")
    return stream.getvalue()


def deflated_zeros(count: int) -> bytes:
    """What `count` zero bytes become: a thousandth."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


def swapped_profile() -> bytes:
    """The sRGB profile with the names of its red and green columns exchanged: what is red looks green."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"!!!!").replace(b"gXYZ", b"rXYZ").replace(b"!!!!", b"gXYZ")


def _tags(tags: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    table, data = b"", b""
    rows = list(tags)
    start = 128 + 4 + 12 * len(rows)
    for name, content in rows:
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    return struct.pack(">I", len(rows)) + table, data


def cmyk_profile(lab_of: Callable[[tuple[int, int, int, int]], tuple[float, float, float]]) -> bytes:
    """An ICC profile of a printing press whose 16 solid inks look as `lab_of((c, m, y, k))` says."""
    nodes = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    grid = b""
    for node in nodes:
        light, a, b = lab_of(node)
        grid += struct.pack(">HHH", round(light * 652.8), round((a + 128) * 256), round((b + 128) * 256))
    ramp = struct.pack(">HH", 0, 65535)
    matrix = b"".join(struct.pack(">i", 65536 if row == column else 0) for row in range(3) for column in range(3))
    table = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + struct.pack(">HH", 2, 2) + ramp * 4 + grid + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    name = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"press\0" + b"\0" * 78
    rights = b"text\0\0\0\0none\0"
    index, data = _tags([(b"A2B0", table), (b"wtpt", white), (b"desc", name), (b"cprt", rights)])
    body = index + data
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + body
