"""Files that are a picture and something else at once."""

import re
import struct
from typing import Final

from registry.imaging.containers.header import Data

_LEADING: Final = 1024  # readers of PDF look that far for its beginning
_ZIP_END: Final = struct.Struct("<4x4H2L2x")
_ZIP_COMMENT: Final = 0xFFFF

# Long enough not to stand by chance in the film or the second picture that phones put behind the first.
_ANYWHERE: Final = (
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), "ZIP archive"),
    (re.compile(rb"Rar!\x1a\x07"), "RAR archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7z archive"),
    (re.compile(rb"%PDF-\d"), "PDF"),
    (re.compile(rb"<(?:!doctype|html|head|body|script|iframe|object|svg)[\s>]", re.IGNORECASE), "web page"),
    (re.compile(rb"<\?(?:php|xml)\s|<%@", re.IGNORECASE), "script"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "Office document"),
)
# Short: only where the tail begins with it.
_AT_THE_START: Final = (
    (re.compile(rb"[\0\s]*+\x7fELF"), "program"),
    (re.compile(rb"[\0\s]*+MZ"), "Windows program"),
    (re.compile(rb"[\0\s]*+#!\s*+/"), "script"),
    (re.compile(rb"[\0\s]*+(?:\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\0)"), "archive"),
    (re.compile(rb"[\0\s]*+\x80[\x02-\x05][\x95}\](Xc]"), "pickle"),
)


def find_foreign(data: Data, end: int) -> str | None:
    """What else a file is whose picture ends at `end`, in a word for people; None for a picture alone.

    Bytes after the end that are nothing of the sort (padding, a phone's film) are let be.
    """
    if b"%PDF-" in bytes(data[:_LEADING]):
        return "PDF"
    if _ends_as_zip(data):
        return "ZIP archive"
    if end >= len(data):
        return None
    for pattern, label in _ANYWHERE:
        if pattern.search(data, end):
            return label
    for pattern, label in _AT_THE_START:
        if pattern.match(data, end):
            return label
    return None


def _ends_as_zip(data: Data) -> bool:
    """Whether a zip reader would accept this file: an end record that makes sense, as near the end as readers look.

    Some readers let bytes follow the record, so its place alone decides nothing; its fields keep chance out.
    """
    first = max(0, len(data) - _ZIP_END.size - _ZIP_COMMENT)
    tail = bytes(data[first:])
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if at + _ZIP_END.size <= len(tail) and _is_zip_end(tail, at, first + at):
            return True
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return False


def _is_zip_end(tail: bytes, at: int, position: int) -> bool:
    fields: tuple[int, ...] = _ZIP_END.unpack_from(tail, at)
    disk, first_disk, here, entries, size, offset = fields
    if 0xFFFF in (disk, entries) or offset == 0xFFFFFFFF:
        return True  # the true numbers stand in the zip64 record
    return disk == first_disk == 0 and here == entries and offset + size <= position
