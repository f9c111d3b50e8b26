"""The list of licences: data, not code. `LICENSES` maps an id to its row, in the order of the file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

_DATA = Path(__file__).parent / "data"

# The id for a licence of the author's own, whose text the author gives.
OWN_LICENSE: Final = "other"


@dataclass(frozen=True)
class License:
    """One licence. `id` is what the API says (SPDX where SPDX has it), `label` what people read."""

    id: str
    label: str
    url: str = ""


def _licenses() -> dict[str, License]:
    with (_DATA / "licenses.toml").open("rb") as file:
        return {key: License(key, **row) for key, row in tomllib.load(file).items()}


LICENSES: Final = MappingProxyType(_licenses())
