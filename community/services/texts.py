"""What people may write into a field: bounded, and without characters that the database or a page cannot hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# NUL has no place in PostgreSQL's texts, half a surrogate pair none in UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


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


def clean_words(values: Sequence[str], field: str, *, most: int, longest: int) -> list[str]:
    """Tags as they are stored: in lower case, each once, without the sign that people write before them.

    Raises InvalidInput that names `field`.
    """
    if isinstance(values, str) or not isinstance(values, list | tuple):
        raise InvalidInput(_("This must be a list."), field=field)
    if len(values) > most:
        raise InvalidInput(_("At most %(most)d entries are possible.") % {"most": most}, field=field)
    lines = (clean_line(value, field, most=longest + 1).lstrip("#").strip().lower() for value in values)
    words = list(dict.fromkeys(line for line in lines if line))
    for word in words:
        _refuse_long(word, field, longest)
    return words


def _refuse_long(value: str, field: str, most: int) -> None:
    if len(value) > most:
        raise InvalidInput(
            _("This is %(length)d characters long; at most %(most)d are possible.")
            % {"length": len(value), "most": most},
            code="too_long",
            field=field,
        )
