"""The list of licences: data, not code. `LICENSES` maps an id to its row, in the order of the file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_DATA = Path(__file__).parent / "data"

# The id for a licence of the author's own, whose text the author gives.
OWN_LICENSE: Final = "other"


@dataclass(frozen=True)
class License:
    """One licence. `id` is what the API says (SPDX where `spdx`), `label` what people read.

    `forbids` are names of `Permissions` that the licence refuses whatever the author says; `duties` are codes of
    `effective.DUTIES`.
    """

    id: str
    label: str
    url: str = ""
    spdx: bool = False
    forbids: frozenset[str] = frozenset()
    duties: tuple[str, ...] = ()


def _license(key: str, row: dict[str, Any]) -> License:
    forbids = frozenset(row.pop("forbids", ()))
    duties = tuple(row.pop("duties", ()))
    return License(key, **row, forbids=forbids, duties=duties)


def _licenses() -> dict[str, License]:
    with (_DATA / "licenses.toml").open("rb") as file:
        return {key: _license(key, row) for key, row in tomllib.load(file).items()}


LICENSES: Final = MappingProxyType(_licenses())
