"""What people may write into a field: bounded, and without characters that the database or a page cannot hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput

_MAX_FILE_NAME_BYTES: Final = 255
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# NUL has no place in PostgreSQL's texts, half a surrogate pair none in UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
# They turn the reading direction of what follows: `gpj.exe` would read as `exe.jpg`.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_NOT_ON_EVERY_DISK: Final = re.compile(r'["*:<>?|]')
# Windows reads these as a device in any folder and whatever the ending: learn.microsoft.com, "Naming Files, Paths".
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[.:].*)?", re.IGNORECASE | re.DOTALL
)


def clean_line(value: str, field: str, *, most: int, required: bool = False) -> str:
    """One line of at most `most` characters, blanks in a row made one. Raises InvalidInput that names `field`."""
    if not isinstance(value, str):
        raise InvalidInput(_("This must be text."), field=field)
    _refuse_long(value, field, most)
    line = re.sub(r"[ \t]+", " ", unicodedata.normalize("NFC", value)).strip()
    if _CONTROLS.search(line) or _UNSTORABLE.search(line):
        raise InvalidInput(_("This holds control characters. Write it as one line of text."), field=field)
    if required and not line:
        raise InvalidInput(_("This is missing."), code="required", field=field)
    _refuse_long(line, field, most)  # one form of each letter can be longer than the form it came in
    return line


def clean_text(value: str, field: str, *, most: int) -> str:
    """Text of any number of lines, kept as it was written. Raises InvalidInput that names `field`."""
    if not isinstance(value, str):
        raise InvalidInput(_("This must be text."), field=field)
    _refuse_long(value, field, most)
    if _UNSTORABLE.search(value):
        raise InvalidInput(_("This holds a NUL or half a character, which cannot be stored."), field=field)
    return value


def clean_reason(value: str, *, required: bool = True) -> str:
    """Why something was done; shown to people."""
    return clean_line(value.replace("\n", " ").replace("\r", " "), "reason", most=500, required=required)


def clean_file_name(value: str, field: str = "name") -> str:
    """A name that every system can save the file under, in the one form that pages, APIs and headers all give.

    Signs that some disks refuse become `_`. What could lead elsewhere or hide what the file is, is refused by name.
    """
    name = clean_line(value, field, most=_MAX_FILE_NAME_BYTES, required=True)
    for is_bad, reason in _file_name_rules():
        if is_bad(name):
            raise InvalidInput(reason, code="invalid_file_name", field=field)
    return _NOT_ON_EVERY_DISK.sub("_", name)


def _file_name_rules() -> list[tuple[Callable[[str], object], str]]:
    return [
        (lambda name: len(name.encode()) > _MAX_FILE_NAME_BYTES, _("The file name is longer than 255 bytes.")),
        (re.compile(r"[/\\]").search, _("A file name holds no “/” and no “\\”. Give the name without its folder.")),
        (re.compile(r"^\.|\.$").search, _("A file name does not begin or end with a dot.")),
        (_ESCAPE.search, _("The file name holds an escape such as “%2F”, which some programs read as another sign.")),
        (_DEVICE.fullmatch, _("Windows takes this name for a device, so nobody there could save the file.")),
        (_TURNING.search, _("The file name holds signs that turn the reading direction.")),
    ]


def _refuse_long(value: str, field: str, most: int) -> None:
    if len(value) > most:
        raise InvalidInput(
            _("This is %(length)d characters long; at most %(most)d are possible.")
            % {"length": len(value), "most": most},
            code="too_long",
            field=field,
        )
