"""Reading the body of a request that anybody may have written."""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from community.errors import InvalidInput

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 4_000


class BoundedJSONParser(JSONParser):
    """One JSON object in UTF-8. Its size is bounded by DATA_UPLOAD_MAX_MEMORY_SIZE before it is read.

    Refused by name: text that no column of the database can hold (NUL, halves of surrogate pairs), integers wider
    than 64 bits, numbers that are not finite, nesting deeper than `MAX_DEPTH`.
    """

    objects_only = True

    def parse(self, stream: BinaryIO, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            value = json.loads(stream.read().decode(), parse_int=_read_integer, parse_constant=_refuse_constant)
        except RecursionError:
            raise ParseError(_("The JSON is nested too deeply.")) from None
        except UnicodeDecodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(reason)s") % {"reason": error}) from None
        if self.objects_only and not isinstance(value, dict):
            raise ParseError(_("The body must be a JSON object."))
        check_values(value)
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _read_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:  # Python refuses to read the longest, in words for programmers
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def check_values(value: Any) -> None:
    """Refuse what cannot be stored, naming where it stands. `value` is what `json.loads` made; it is not recursed into.

    Raises InvalidInput.
    """
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        path, depth, here = waiting.pop()
        if depth > MAX_DEPTH:
            raise InvalidInput(_("The JSON is nested too deeply."), code="too_deep", field=path)
        if isinstance(here, dict):
            for key, inner in here.items():
                _check_text(key, path)
                waiting.append((f"{path}.{key}" if path else key, depth + 1, inner))
        elif isinstance(here, list):
            waiting.extend((f"{path}.{number}", depth + 1, inner) for number, inner in enumerate(here))
        elif isinstance(here, str):
            _check_text(here, path)
        elif isinstance(here, int | float) and (abs(here) > MAX_INTEGER or not math.isfinite(here)):
            raise InvalidInput(_("The number is too large."), field=path[:200])


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise InvalidInput(_("Text may not hold a NUL character."), field=path[:200].replace("\0", ""))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(_("Text may not hold half of a surrogate pair."), field=_printable(path)) from None


def _printable(path: str) -> str:
    return path[:200].encode(errors="replace").decode()
