"""Typed readers of environment variables. A value that makes no sense stops the start and names its variable."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Rate(NamedTuple):
    """At most `count` acts within any `seconds`."""

    count: int
    seconds: int


class BadSetting(ImproperlyConfigured):
    """A value in the environment that cannot be used."""

    def __init__(self, name: str, wanted: str) -> None:
        super().__init__(f"The setting {name} must be {wanted}; it is {os.environ.get(name, '')!r}.")


def text(name: str, default: str = "") -> str:
    """The value without surrounding blanks; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadSetting(name, "yes or no")


def number(name: str, default: int, *, least: int = 0) -> int:
    value = text(name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) < least:
        raise BadSetting(name, f"a whole number of at least {least}")
    return int(value)


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    """One of `options`, compared without regard to case."""
    value = text(name, default)
    for option in options:
        if option.lower() == value.lower():
            return option
    raise BadSetting(name, "one of " + ", ".join(options))


def size(name: str, default: str) -> int:
    """Bytes, written as `500 MB` or `2TB` (decimal units)."""
    match = re.fullmatch(r"([0-9]{1,15})\s*([KMGTP]?B?)", text(name, default).upper())
    if not match:
        raise BadSetting(name, "a size such as 100GB")
    unit = match[2] if match[2].endswith("B") or not match[2] else match[2] + "B"
    return int(match[1]) * _UNITS[unit]


def rate(name: str, default: str) -> Rate:
    """So many per period, written as `5/s` or `30/10m`."""
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{0,6})([smhd])", text(name, default).replace(" ", ""))
    if not match or not int(match[1]) or match[2] == "0":
        raise BadSetting(name, "a rate such as 5/s or 30/10m")
    return Rate(int(match[1]), int(match[2] or 1) * _PERIODS[match[3]])


def path(name: str, default: Path) -> Path:
    """An absolute path; a relative one is meant from the current folder."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default


def web_address(name: str) -> str:
    """`scheme://host[:port]` without a path or a final slash, or nothing."""
    value = text(name).rstrip("/")
    if value and not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?", value):
        raise BadSetting(name, "an address such as https://models.example.org, without a path")
    return value


def secret(name: str, file: Path) -> str:
    """The variable, or what the file says. The file is made once, readable by its owner alone."""
    value = text(name)
    if value:
        return value
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return _made_once(file)


def _made_once(file: Path) -> str:
    """Two processes that start at once must agree: the file appears whole or not at all, and the first one wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(50))
        stream.flush()
        os.fsync(stream.fileno())
    with suppress(FileExistsError):  # the other process was first
        os.link(draft, file)
    draft.unlink()
    return file.read_text().strip()
