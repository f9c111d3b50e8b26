"""Text arguments of protocol 0: numbers in their one canonical spelling, and quoted strings.

CPython reads these with the habits of the C library (white space, signs, NUL ends a number, octal), pickle.py with
Python's. Nobody writes the odd forms, and two readers may part ways over them, so they are told apart here.
"""

from __future__ import annotations

import re

CANONICAL_INT = re.compile(rb"-?(?:0|[1-9][0-9]*)")
CANONICAL_LONG = re.compile(rb"-?(?:0|[1-9][0-9]*)L?")
CANONICAL_FLOAT = re.compile(rb"-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|inf|nan)")
MAX_DIGITS = 4000  # Python refuses more than 4300

_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|(.)|$)", re.DOTALL)
_SIMPLE = {
    b"\n": b"",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


def read_int(text: bytes, pattern: re.Pattern[bytes] = CANONICAL_INT) -> int | None:
    """The number, or None when it is not spelled canonically or is too long to convert."""
    if text.isdigit() and len(text) < 10 and (text[0] != 0x30 or len(text) == 1):
        return int(text)  # nearly every number
    if pattern.fullmatch(text) is None or len(text) > MAX_DIGITS:
        return None
    return int(text.rstrip(b"L"))


def read_index(text: bytes) -> tuple[int | None, bool]:
    """A memo index as CPython would read it (None: it would fail), and whether it was canonical."""
    if text.isdigit() and len(text) < 20 and (text[0] != 0x30 or len(text) == 1):
        return int(text), True
    if len(text) > MAX_DIGITS:
        return None, False
    try:
        return int(text.split(b"\0")[0], 10), False
    except ValueError:
        return None, False


def unescape(quoted: bytes) -> bytes | None:
    """Content of a quoted byte string with its escapes undone; None where CPython would refuse it."""
    if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[:1] not in (b"'", b'"'):
        return None
    body = quoted[1:-1]
    if b"\\" not in body:
        return body
    try:
        return _ESCAPE.sub(_undo, body)
    except ValueError:
        return None


def _undo(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if other is None or other == b"x":
        raise ValueError("escape is cut short")
    return _SIMPLE.get(other, b"\\" + other)
