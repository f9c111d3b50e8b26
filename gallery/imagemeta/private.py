"""What a person may not want to give away with a picture: where they were, whose camera, their folders, their keys.

Places and serial numbers are read from the fields that hold them; paths and keys are known by their shapes wherever a
text stands. A shape can be missed or mistaken: what is found is shown to the author, who decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gallery.imagemeta.blocks import Block, Piece, pieces, texts_of
from gallery.imagemeta.exif import read_exif

GPS: Final = "gps"
CAMERA_SERIAL: Final = "camera_serial"
OWNER_NAME: Final = "owner_name"
LOCAL_PATH: Final = "local_path"
API_KEY: Final = "api_key"
MAX_FINDINGS: Final = 100
_MAX_EXCERPT: Final = 120
_SHOWN_OF_KEY: Final = 8

# A home folder names its owner; any folder on a lettered drive tells of a machine. JSON doubles backslashes, and JSON
# inside JSON doubles them again.
_PATHS: Final = re.compile(
    r"(?<![A-Za-z])[A-Za-z]:[\\/]{1,4}(?:Users|Documents and Settings)[\\/]{1,4}[^\\/:*?\"<>|\r\n\t,]{1,64}"
    r"|(?<![A-Za-z])[A-Za-z]:\\{1,4}[\w.][\w. ()-]{0,60}\\"
    r"|(?<![\w.-])/(?:mnt/[a-z]/)?(?:home|Users|Volumes|media|run/media)/[\w.@-]{1,64}"
    r"|(?<![\w.-])/root/[\w.-]{1,64}"
)
# Prefixes that the services publish for their keys; then links and fields that say what they hold.
_KEYS: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"sk-[A-Za-z0-9_-]{20,200}|hf_[A-Za-z0-9]{30,60}|gh[pousr]_[A-Za-z0-9]{36,80}|github_pat_[A-Za-z0-9_]{40,100}"
    r"|AIza[A-Za-z0-9_-]{35}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,100}|r8_[A-Za-z0-9]{30,50}"
    r"|gsk_[A-Za-z0-9]{40,80}|nvapi-[A-Za-z0-9_-]{40,100}|slt_[A-Za-z0-9_-]{30,60}"
    r"|eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{10,2000}"
    r"|Bearer\s[A-Za-z0-9._~+/-]{20,400})"
    r"|[?&](?:token|key|api_?key|access_token)=[A-Za-z0-9._~-]{16,200}"
    r"|-----BEGIN[A-Z ]{0,20} PRIVATE KEY-----"
)
_NAMED_KEYS: Final = re.compile(
    r"(?:api[_-]?key|api[_-]?token|access[_-]?token|auth[_-]?token|civitai[_-]?(?:key|token)|secret[_-]?key|password)"
    r"(?:\\{0,3}[\"'])?\s{0,4}[:=]\s{0,4}(?:\\{0,3}[\"'])?([A-Za-z0-9._~+/-]{16,200})",
    re.IGNORECASE,
)
_XMP_VALUE: Final = r"\s{0,4}(?:=\s{0,4}[\"']([^\"'<>]{1,200})|>([^<]{1,200})<)"
_XMP_FIELDS: Final = (
    (GPS, re.compile(r"exif:GPS(?:Dest)?L(?:atitude|ongitude)" + _XMP_VALUE)),
    (
        CAMERA_SERIAL,
        re.compile(
            r"(?:(?:aux|exifEX):(?:Lens|Body)?SerialNumber|MicrosoftPhoto:(?:Camera|Lens)SerialNumber)" + _XMP_VALUE
        ),
    ),
    (OWNER_NAME, re.compile(r"(?:aux:OwnerName|exifEX:CameraOwnerName|tiff:Artist)" + _XMP_VALUE)),
    (OWNER_NAME, re.compile(r"<dc:creator>\s{0,99}<rdf:Seq>\s{0,99}<rdf:li[^>]{0,99}>()([^<]{1,200})<")),
)
# IPTC-IIM 4.2, record 2: by-line; city, part of it.
_IPTC: Final = re.compile(rb"\x1c\x02([\x50\x5a\x5c])\x00([\x01-\x7f])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One private thing: `gps`, `camera_serial`, `owner_name`, `local_path` or `api_key`; the place where it stands, as
    a block's (`png:prompt`, `exif:Latitude`, `pixels`); a piece of it to know it by. Of a key only the beginning."""

    kind: str
    place: str
    excerpt: str


def find_private(data: bytes, hidden: str | None = None) -> tuple[Finding, ...]:
    """Every private thing in a picture file's metadata, each once, at most 100.

    `hidden` is a text found in its pixels. Raises MalformedFile as `read_blocks` does: what is not read is not known to
    be clean.
    """
    found: dict[Finding, None] = {}
    for piece in pieces(data):
        for finding in findings_of(piece):
            found[finding] = None
            if len(found) == MAX_FINDINGS:
                return tuple(found)
    if hidden:
        found |= dict.fromkeys(_in_text(Block("pixels", hidden)))
    return tuple(found)[:MAX_FINDINGS]


def findings_of(piece: Piece) -> Iterator[Finding]:
    """What one piece of metadata gives away."""
    if piece.kind == "exif":
        for private in read_exif(piece.data).private:
            yield _finding(private.kind, f"exif:{private.field}", private.text)
    elif piece.kind == "xmp":
        yield from _in_xmp(piece.text)
    elif piece.kind == "iptc":
        yield from _in_iptc(piece.data)
    elif piece.kind == "box":
        yield from _in_text(Block(piece.place, piece.text))
    for block in texts_of(piece):
        yield from _in_text(block)


def _finding(kind: str, place: str, text: str) -> Finding:
    line = " ".join(text.split())
    return Finding(kind, place[:_MAX_EXCERPT], line if len(line) <= _MAX_EXCERPT else f"{line[: _MAX_EXCERPT - 1]}…")


def _in_text(block: Block) -> Iterator[Finding]:
    for match in _PATHS.finditer(block.text):
        yield _finding(LOCAL_PATH, block.place, match[0])
    for match in _KEYS.finditer(block.text):
        yield _finding(API_KEY, block.place, f"{match[0].lstrip('?&')[:_SHOWN_OF_KEY]}…")
    for match in _NAMED_KEYS.finditer(block.text):
        yield _finding(API_KEY, block.place, f"{match[1][:4]}…")


def _in_xmp(packet: str) -> Iterator[Finding]:
    for kind, field in _XMP_FIELDS:
        for match in field.finditer(packet):
            if said := (match[1] or match[2] or "").strip():
                yield _finding(kind, "xmp", said)


def _in_iptc(body: bytes) -> Iterator[Finding]:
    for match in _IPTC.finditer(body):
        said = body[match.end() : match.end() + match[2][0]].decode("utf-8", "replace").strip("\0 ")
        if said:
            yield _finding(OWNER_NAME if match[1] == b"\x50" else GPS, "iptc", said)
