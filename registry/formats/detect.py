"""What a file is, by its content. The name is only asked where the content leaves two readings open."""

from __future__ import annotations

import codecs
import re
import zlib

from registry.formats.sources import CHUNK, Region

MAX_TEXT = 64 << 20

# (offset, magic, kind); the first that fits is taken
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"PK\x07\x08PK\x03\x04", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bz2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x5d\x00\x00", "lzma"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x02\x21\x4c\x18", "lz4"),
    (0, b"LZIP", "lzip"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"MSCF", "cab"),
    (0, b"xar!", "xar"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"GGUF", "gguf"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (4, b"ftypavif", "avif"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "macho"),
    (0, b"\xfe\xed\xfa\xcf", "macho"),
    (0, b"\xce\xfa\xed\xfe", "macho"),
    (0, b"\xcf\xfa\xed\xfe", "macho"),
    (0, b"\xca\xfe\xba\xbe", "macho"),
    (0, b"\x00asm", "wasm"),
    (0, b"#!", "script"),
    (0, b"dex\n", "dex"),
    (0, b"ITSF", "chm"),
    (0, b"\x4c\x00\x00\x00\x01\x14\x02\x00", "lnk"),
)
ARCHIVES_REFUSED = frozenset({"7z", "rar", "zstd", "lz4", "lzip", "compress", "cab", "xar"})
PROGRAMS = frozenset({"elf", "pe", "macho", "wasm", "script", "dex", "chm", "lnk"})
PICTURES = frozenset({"png", "jpeg", "gif", "webp", "avif"})
COMPRESSED = frozenset({"gzip", "bz2", "xz", "lzma", "zlib"})
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)

_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f]")  # what no text holds; tabs, feeds and escapes pass


def detect(region: Region, name: str = "") -> str:
    """The kind of a file as one word. Reads its first bytes, and all of it where it looks like text."""
    if not region.size:
        return "empty"
    head = region.at(0, 4096)
    kind = _by_magic(head)
    if kind:
        return kind
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return "pickle"
    if is_tar_header(head[:512]):
        return "tar"
    if claims_safetensors(head, region.size, name):
        return "safetensors"
    if _HTML.match(head.removeprefix(codecs.BOM_UTF8)):
        return "html"
    if looks_like_onnx(head):
        return "onnx"
    return _text_kind(region, head) or "unknown"


def _by_magic(head: bytes) -> str:
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head[:2] == b"MZ" and len(head) >= 64 and 64 <= int.from_bytes(head[60:64], "little") < 1 << 24:
        return "pe"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "zlib" if _is_zlib(head) else ""


def _is_zlib(head: bytes) -> bool:
    """Whether a zlib stream begins here: its two-byte header is weak, so a first piece must unpack too."""
    if len(head) < 8 or head[0] & 0x8F != 0x08 or (head[0] << 8 | head[1]) % 31 or head[1] & 0x20:
        return False
    try:
        return bool(zlib.decompressobj().decompress(head, 16))
    except zlib.error:
        return False


def is_tar_header(block: bytes) -> bool:
    """Whether 512 bytes carry the checksum that every tar header has; old ones have no magic."""
    if len(block) < 512 or not any(block):
        return False
    digits = block[148:156].strip(b"\0 ")
    try:
        stored = int(digits or b"x", 8)
    except ValueError:
        return False
    blanked = block[:148] + b" " * 8 + block[156:]
    return stored in (sum(blanked), sum(b - 256 if b > 127 else b for b in blanked))


def claims_safetensors(head: bytes, size: int, name: str) -> bool:
    """Whether a file means to be safetensors, be its header true or not."""
    if len(head) < 9 or size < 9:
        return False
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{":
        return not all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head[:8])
    return name.lower().endswith(".safetensors") and 2 <= length <= max(size, 100 << 20)


def looks_like_onnx(head: bytes) -> bool:
    """A protobuf message that begins with a small `ir_version` and goes on with another field of ModelProto."""
    return (
        len(head) > 4
        and head[0] == 0x08
        and 1 <= head[1] <= 32
        and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
    )


def _text_kind(region: Region, head: bytes) -> str:
    """`json` or `text` when every byte belongs to readable UTF-8, else nothing."""
    if b"\0" in head or region.size > MAX_TEXT:
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    while position < region.size:
        data = region.at(position, CHUNK)
        if not data:
            return ""
        position += len(data)
        try:
            text = decoder.decode(data, final=position >= region.size)
        except UnicodeDecodeError:
            return ""
        if _CONTROL.search(text):
            return ""
    return "json" if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:1] in (b"{", b"[") else "text"
