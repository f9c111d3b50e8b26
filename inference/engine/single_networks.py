"""Build one network from its configuration and fill it from a file of tensors, with every tensor accounted for.

diffusers' own single-file loading leaves a missing tensor without numbers until the first step and takes an unknown
file for Stable Diffusion 1; here a file is refused, by key, before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from inference.engine.weights import WeightFile

Config = Mapping[str, Any]
Network = TypeVar("Network", bound=nn.Module)


def read_config(config: Path | Config) -> dict[str, Any]:
    """A network's configuration: as given, or out of the `config.json` of a folder that ships with the project."""
    if isinstance(config, Path):
        loaded: dict[str, Any] = json.loads((config / "config.json").read_text("utf-8"))
        return loaded
    return dict(config)


def blank(kind: Any, config: Config) -> Any:
    """A network of diffusers' class `kind` without numbers: nothing is allocated, nothing drawn."""
    with torch.device("meta"):
        return kind.from_config(dict(config))


def fill(network: Network, file: WeightFile, names: Mapping[str, str], dtype: torch.dtype) -> Network:
    """Give `network` (a blank one) the file's tensors in `dtype`; `names` maps its names to the file's.

    Raises BadIngredient `incomplete`, `wrong_shape`, `wrong_dtype` or `not_finite` with the file's key.
    """
    expected = network.state_dict()
    missing = [names[name] for name in expected if names[name] not in file.shapes]
    if missing:
        file.refuse("incomplete", key=missing[0][:200], missing=len(missing))
    for name, like in expected.items():
        _check_shape(file, names[name], tuple(like.shape))
    tensors = {name: _read(file, names[name], tuple(like.shape), dtype) for name, like in expected.items()}
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _check_shape(file: WeightFile, key: str, shape: tuple[int, ...]) -> None:
    """Trailing sides of 1 do not count: originals keep some matrices as convolutions of one point."""
    stored = file.shapes[key]
    sides = max(len(stored), len(shape))
    if stored + (1,) * (sides - len(stored)) != shape + (1,) * (sides - len(shape)):
        file.refuse("wrong_shape", key=key[:200], shape=list(stored), expected=list(shape))


def _read(file: WeightFile, key: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    stored = file.raw(key)
    if not stored.is_floating_point():
        file.refuse("wrong_dtype", key=key[:200], dtype=str(stored.dtype).removeprefix("torch."))
    value = stored.reshape(shape).to(dtype).contiguous()
    if not bool(torch.isfinite(value).all()):
        file.refuse("not_finite", key=key[:200])
    return value
