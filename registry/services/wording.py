"""Names of files as people may write them; texts and lines are `community.services.texts`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput
from community.services.texts import clean_line, clean_reason, clean_text

__all__ = ["clean_file_name", "clean_line", "clean_reason", "clean_text"]

_MAX_FILE_NAME_BYTES: Final = 255
# They turn the reading direction of what follows: `gpj.exe` would read as `exe.jpg`.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_NOT_ON_EVERY_DISK: Final = re.compile(r'["*:<>?|]')
# Windows reads these as a device in any folder and whatever the ending: learn.microsoft.com, "Naming Files, Paths".
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[.:].*)?", re.IGNORECASE | re.DOTALL
)


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
