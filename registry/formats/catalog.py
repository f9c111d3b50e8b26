"""The lists of model types and base models: data, not code.

`registry.models` and the pages call `model_type(id)` and `base_model(id)` (KeyError for an unknown id) and read
`MODEL_TYPES`, `BASE_MODELS` (id to row, in the order of the files).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class ModelType:
    """One kind of model file: `id` is what the API says, `label` what people read."""

    id: str
    label: str
    plural: str


@dataclass(frozen=True)
class BaseModel:
    """One family that a version can work with. Its `id` is its name as people write it, e.g. "SD 1.5"."""

    id: str
    label: str
    family: str


def _rows(name: str) -> dict[str, dict[str, str]]:
    with (_DATA / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


MODEL_TYPES = MappingProxyType({key: ModelType(key, row["label"], row["plural"]) for key, row in _rows("model_types").items()})
BASE_MODELS = MappingProxyType({key: BaseModel(key, row["label"], row["family"]) for key, row in _rows("base_models").items()})


def model_type(id: str) -> ModelType:
    """The row of a model type. KeyError where the list has none."""
    return MODEL_TYPES[id]


def base_model(id: str) -> BaseModel:
    """The row of a base model. KeyError where the list has none."""
    return BASE_MODELS[id]
