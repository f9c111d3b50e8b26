"""Which format a file has, by its first bytes; the name it was given is never asked."""

import re
from typing import Final

from registry.imaging.containers import avif, gif, jpeg, png
from registry.imaging.errors import PictureRefused

# Pictures that are not taken, by how they begin.
_OTHER_PICTURES: Final = (
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), "TIFF"),
    (re.compile(rb"8BPS"), "PSD"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"\0\0[\x01\x02]\0"), "ICO"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"), "JPEG XL"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"qoif"), "QOI"),
    (re.compile(rb"DDS "), "DDS"),
    (re.compile(rb"#\?RADIANCE|#\?RGBE"), "HDR"),
    (re.compile(rb"v/1\x01"), "EXR"),
    (re.compile(rb"%!PS-Adobe|\xc5\xd0\xd3\xc6"), "EPS"),
)
# Things that are no pictures, by how they begin; the name is for people.
_NO_PICTURES: Final = (
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), "ZIP archive"),
    (re.compile(rb"Rar!\x1a\x07"), "RAR archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7z archive"),
    (re.compile(rb"\x1f\x8b"), "gzip archive"),
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"MZ"), "Windows program"),
    (re.compile(rb"\x7fELF"), "program"),
    (re.compile(rb"#!"), "script"),
    (re.compile(rb"\x1aE\xdf\xa3|....ftyp(?:isom|mp4|avc1|M4V|qt)", re.DOTALL), "video"),
    (re.compile(rb"\x80[\x02-\x05]"), "pickle"),
    (re.compile(rb".{6}\0\0\{\"", re.DOTALL), "safetensors file"),
)
_SVG: Final = re.compile(rb"<svg[\s>:]", re.IGNORECASE)
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)[\s>]", re.IGNORECASE)

EXTENSIONS: Final = {
    "png": "png", "apng": "png", "jpg": "jpeg", "jpeg": "jpeg", "jpe": "jpeg", "jfif": "jpeg", "webp": "webp",
    "avif": "avif", "avifs": "avif", "gif": "gif",
}  # fmt: skip
LABELS: Final = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "gif": "GIF"}


def sniff(start: bytes) -> str:
    """The accepted format that a file beginning so has: png, jpeg, gif, webp or avif.

    Raises PictureRefused: format_not_accepted for other pictures, not_a_picture for the rest.
    """
    if start.startswith(png.SIGNATURE):
        return "png"
    if start.startswith(jpeg.SIGNATURE):
        return "jpeg"
    if start.startswith(gif.SIGNATURES):
        return "gif"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if brands := avif.brands_of(start):
        return _by_brand(brands)
    raise _refusal(start)


def _by_brand(brands: set[bytes]) -> str:
    if brands & avif.BRANDS:
        return "avif"
    if brands & {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
        raise PictureRefused("format_not_accepted", {"format": "HEIC"})
    raise PictureRefused("not_a_picture", {"found": "video"})


def _refusal(start: bytes) -> PictureRefused:
    for pattern, label in _OTHER_PICTURES:
        if pattern.match(start):
            return PictureRefused("format_not_accepted", {"format": label})
    if _SVG.search(start):
        return PictureRefused("format_not_accepted", {"format": "SVG"})
    for pattern, label in _NO_PICTURES:
        if pattern.match(start):
            return PictureRefused("not_a_picture", {"found": label})
    found = "web page" if _HTML.search(start) else "unknown"
    return PictureRefused("not_a_picture", {"found": found})


def name_of(file_name: str, format: str | None) -> PictureRefused | None:
    """What is wrong with a file's name beside its content, if anything: an extension that lies.

    `format` is what the content is, None where it is no picture that is taken. Names without an extension of a
    picture claim nothing.
    """
    stem, _, extension = file_name.rpartition(".")
    claimed = EXTENSIONS.get(extension.lower()) if stem else None
    if claimed is None or claimed == format:
        return None
    if format is None:
        return PictureRefused("disguised", {"extension": extension.lower()})
    return PictureRefused("wrong_extension", {"extension": extension.lower(), "format": LABELS[format]})
