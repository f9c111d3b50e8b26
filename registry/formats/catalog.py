"""The lists of model types and base models: data, not code.

`registry.models` and the pages call `model_type(id)` and `base_model(id)` (KeyError for an unknown id) and read
`MODEL_TYPES`, `BASE_MODELS` (id to row, in the order of the files). What each column means stands at the head of the
files in `data/`. A row with a wrong column stops the start.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_DATA = Path(__file__).parent / "data"

TOOLS: Final = MappingProxyType(
    {"a1111": "A1111 / Forge", "comfyui": "ComfyUI", "swarmui": "SwarmUI", "invokeai": "InvokeAI"}
)


@dataclass(frozen=True)
class ModelType:
    """One kind of model file: `id` is what the API says, `label` what people read.

    `folders` maps a key of TOOLS to where that tool looks for such files; `prompt` is how the file is written into a
    prompt, or empty.
    """

    id: str
    label: str
    plural: str
    folders: dict[str, str] = field(default_factory=dict)
    prompt: str = ""

    def prompt_text(self, name: str) -> str:
        """What to type into a prompt for a file of this stem; empty where the type is not used from the prompt."""
        return self.prompt.replace("{name}", name)


@dataclass(frozen=True)
class BaseModel:
    """One family member that a version can work with. Its `id` is its name as people write it, e.g. "SD 1.5"."""

    id: str
    label: str
    family: str
    leads: bool = False
    cross_width: int | None = None
    prediction: str | None = None
    license: str | None = None
    architectures: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def _rows(name: str) -> dict[str, dict[str, Any]]:
    with (_DATA / f"{name}.toml").open("rb") as file:
        rows = tomllib.load(file)
    return {
        key: {column: tuple(value) if isinstance(value, list) else value for column, value in row.items()}
        for key, row in rows.items()
    }


MODEL_TYPES: Final = MappingProxyType({key: ModelType(key, **row) for key, row in _rows("model_types").items()})
BASE_MODELS: Final = MappingProxyType({key: BaseModel(key, **row) for key, row in _rows("base_models").items()})


def model_type(id: str) -> ModelType:
    """The row of a model type. KeyError where the list has none."""
    return MODEL_TYPES[id]


def base_model(id: str) -> BaseModel:
    """The row of a base model. KeyError where the list has none."""
    return BASE_MODELS[id]


def _key(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum() or sign == ".")


_BY_NAME: Final = {_key(name): row for row in BASE_MODELS.values() for name in (*row.aliases, row.label)} | {
    _key(row.id): row for row in BASE_MODELS.values()
}
_LEADERS: Final = {row.family: row for row in BASE_MODELS.values() if row.leads}
_BY_WIDTH: Final = {row.cross_width: row for row in BASE_MODELS.values() if row.cross_width is not None}
_BY_ARCHITECTURE: Final = {name: row for row in BASE_MODELS.values() for name in row.architectures}
_BY_VERSION: Final = {name: row for row in BASE_MODELS.values() for name in row.versions}


def find_base_model(text: str) -> BaseModel | None:
    """The row that a person means by an id, a label or an alias, whatever the case, blanks and dashes."""
    return _BY_NAME.get(_key(text[:100]))


def leading_base_model(family: str) -> BaseModel | None:
    """The member that stands for a family when nothing tells its members apart."""
    return _LEADERS.get(family)


def base_model_of_width(width: int) -> BaseModel | None:
    """The member whose U-Net reads text states of this width."""
    return _BY_WIDTH.get(width)


def family_members(family: str) -> tuple[str, ...]:
    """The ids of a family, its leader first."""
    members = [row for row in BASE_MODELS.values() if row.family == family]
    return tuple(row.id for row in sorted(members, key=lambda row: not row.leads))


def declared_base_model(architecture: str | None, version: str | None) -> BaseModel | None:
    """The row that a trainer's metadata declares (`modelspec.architecture`, `ss_base_model_version`)."""
    named = (architecture or "").partition("/")[0].strip().lower()
    return _BY_ARCHITECTURE.get(named) or _BY_VERSION.get((version or "").strip().lower())
