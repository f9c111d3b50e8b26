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
MAKER_NOTE: Final = "maker_note"
DEVICE: Final = "device"
LOCAL_PATH: Final = "local_path"
API_KEY: Final = "api_key"
MAX_FINDINGS: Final = 100
_MAX_EXCERPT: Final = 120
_SHOWN_OF_KEY: Final = 8
_SHOWN_OF_VALUE: Final = 4

# A home folder names its owner; any folder on a lettered drive tells of a machine. JSON doubles backslashes, and JSON
# inside JSON doubles them again. Each pattern begins with a sign that can be looked for fast; what must stand before
# it is asked afterwards.
_DRIVES: Final = re.compile(
    r":(?<![A-Za-z]{2}:)(?<=[A-Za-z]:)"
    r"(?:[\\/]{1,4}(?:Users|Documents and Settings)[\\/]{1,4}[^\\/:*?\"<>|\r\n\t,]{1,64}"
    r"|\\{1,4}[\w.][\w. ()-]{0,60}\\)"
)
_FOLDERS: Final = re.compile(
    r"/(?<![\w.-]/)(?:(?:mnt/[a-z]/)?(?:home|Users|Volumes|media|run/media)/[\w.@-]{1,64}|root/[\w.-]{1,64})"
)
# How the services' own keys begin, as they publish it; then links that say what they hold.
_KEYS: Final = tuple(
    (start, re.compile(re.escape(start) + rest))
    for start, rest in (
        ("sk-", r"(?<![\w-]sk-)[\w-]{20,200}"),
        ("hf_", r"(?<![\w-]hf_)[A-Za-z0-9]{30,60}"),
        ("gh", r"(?<![\w-]gh)[pousr]_[A-Za-z0-9]{36,80}"),
        ("github_pat_", r"(?<![\w-]github_pat_)\w{40,100}"),
        ("AIza", r"(?<![\w-]AIza)[\w-]{35}"),
        ("AKIA", r"(?<![\w-]AKIA)[A-Z0-9]{16}"),
        ("ASIA", r"(?<![\w-]ASIA)[A-Z0-9]{16}"),
        ("xox", r"(?<![\w-]xox)[abprs]-[A-Za-z0-9-]{10,100}"),
        ("r8_", r"(?<![\w-]r8_)[A-Za-z0-9]{30,50}"),
        ("gsk_", r"(?<![\w-]gsk_)[A-Za-z0-9]{40,80}"),
        ("nvapi-", r"(?<![\w-]nvapi-)[\w-]{40,100}"),
        ("slt_", r"(?<![\w-]slt_)[\w-]{30,60}"),
        ("eyJ", r"(?<![\w-]eyJ)[\w-]{10,2000}+\.eyJ[\w-]{10,4000}+\.[\w-]{10,2000}"),
        ("Bearer ", r"(?<![\w-]Bearer )[\w.~+/-]{20,400}"),
        ("token=", r"(?<=[?&_]token=)[\w.~-]{16,200}"),
        ("key=", r"(?<=[?&_i]key=)[\w.~-]{16,200}"),
        ("-----BEGIN ", r"[A-Z ]{0,20}PRIVATE KEY-----"),
    )
)
_KEY_NAMES: Final = (
    "api_key api-key apikey api_token access_token auth_token civitai secret_key secretkey password".split()
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
    """One private thing: `gps`, `camera_serial`, `owner_name`, `maker_note`, `device` (of clips alone), `local_path` or
    `api_key`; the place where it stands, as a block's (`png:prompt`, `exif:Latitude`, `clip:LOCATION`, `pixels`); a
    piece of it to know it by. Of a key only the beginning."""

    kind: str
    place: str
    excerpt: str

    @classmethod
    def of(cls, kind: str, place: str, text: str) -> Finding:
        """A finding whose excerpt is one line of at most 120 signs."""
        line = " ".join(text[: _MAX_EXCERPT * 8].split())
        return cls(kind, place[:_MAX_EXCERPT], line if len(line) <= _MAX_EXCERPT else f"{line[: _MAX_EXCERPT - 1]}…")


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
        found |= dict.fromkeys(findings_of_text(Block("pixels", hidden)))
    return tuple(found)[:MAX_FINDINGS]


def findings_of(piece: Piece) -> Iterator[Finding]:
    """What one piece of metadata gives away."""
    if piece.kind == "exif":
        for private in read_exif(piece.data).private:
            yield Finding.of(private.kind, f"exif:{private.field}", private.text)
    elif piece.kind == "xmp":
        yield from findings_of_xmp(piece.text)
    elif piece.kind == "iptc":
        yield from _in_iptc(piece.data)
    elif piece.kind == "box":
        yield from findings_of_xmp(piece.text, piece.place)  # the later parts of a long packet stand in boxes
        yield from findings_of_text(Block(piece.place, piece.text))
    for block in texts_of(piece):
        yield from findings_of_text(block)


def findings_of_text(block: Block) -> Iterator[Finding]:
    """Paths and keys in a text, known by their shapes."""
    drives: set[int] = set()
    for match in _DRIVES.finditer(block.text):
        drives.add(match.start() + 1)
        yield Finding.of(LOCAL_PATH, block.place, block.text[match.start() - 1] + match[0])
    for match in _FOLDERS.finditer(block.text):
        if match.start() not in drives:
            yield Finding.of(LOCAL_PATH, block.place, match[0])
    for start, key in _KEYS:
        if start in block.text:
            for match in key.finditer(block.text):
                yield Finding.of(API_KEY, block.place, f"{match[0][:_SHOWN_OF_KEY]}…")
    words = block.text.lower()
    if any(name in words for name in _KEY_NAMES):
        for match in _NAMED_KEYS.finditer(block.text):
            yield Finding.of(API_KEY, block.place, f"{match[1][:_SHOWN_OF_VALUE]}…")


def findings_of_xmp(packet: str, place: str = "xmp") -> Iterator[Finding]:
    """Places, serial numbers and names in a packet of XMP."""
    for kind, field in _XMP_FIELDS:
        for match in field.finditer(packet):
            if said := (match[1] or match[2] or "").strip():
                yield Finding.of(kind, place, said)


def _in_iptc(body: bytes) -> Iterator[Finding]:
    for match in _IPTC.finditer(body):
        said = body[match.end() : match.end() + match[2][0]].decode("utf-8", "replace").strip("\0 ")
        if said:
            yield Finding.of(OWNER_NAME if match[1] == b"\x50" else GPS, "iptc", said)
