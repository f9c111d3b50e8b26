"""Textual inversions: the vectors that one word in a prompt stands for.

Forms: A1111's `.pt` (`string_to_param`, `*` → vectors), `emb_params` alone, a single key that is the word (diffusers),
a tensor by itself, and SDXL's `clip_l` beside `clip_g`. Whether the widths are those of the encoders is for the caller
to check: a file does not say for which it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from inference.engine.errors import BadIngredient
from inference.engine.weights import WeightFile, check_tensor, is_safetensors, open_weights, read_torch

ROLE: Final = "embedding"
MAX_VECTORS: Final = 1_024  # A1111 trains up to 75; some merged ones have a few hundred
MAX_WIDTH: Final = 8_192
_L_KEYS: Final = ("clip_l", "text_encoders_0")  # the second spelling: diffusers' own training script
_G_KEYS: Final = ("clip_g", "text_encoders_1")


@dataclass(frozen=True, eq=False)
class EmbeddingVectors:
    """Vectors in float32 on the CPU, (count, width). `clip_l` is for the first encoder, `clip_g` for SDXL's second.

    A file for one encoder alone gives `clip_l`, also where that encoder is SD 2's OpenCLIP.
    """

    clip_l: torch.Tensor
    clip_g: torch.Tensor | None = None

    @property
    def count(self) -> int:
        """How many places in the prompt the word takes."""
        return len(self.clip_l)

    @property
    def width(self) -> int:
        return self.clip_l.shape[1]

    @property
    def width_g(self) -> int | None:
        return self.clip_g.shape[1] if self.clip_g is not None else None


def read_embedding(path: Path, name: str = "") -> EmbeddingVectors:
    """The vectors of a file. Raises BadIngredient for anything else, naming the key at fault."""
    name = name or path.name
    if is_safetensors(path):
        with open_weights(path, ROLE, name) as file:
            return _chosen(file)
    content = _tensors(read_torch(path, ROLE, name), name)
    for key, tensor in content.items():
        check_tensor(tensor, ROLE, name, key)
    return _chosen(_InMemory(name, content))


class _InMemory(WeightFile):
    """Tensors that are already read."""

    def __init__(self, name: str, tensors: dict[str, torch.Tensor]) -> None:
        super().__init__(ROLE, name, {key: tuple(tensor.shape) for key, tensor in tensors.items()}, {})
        self._tensors = tensors

    def raw(self, key: str) -> torch.Tensor:
        return self._tensors[key].detach()


def _tensors(content: Any, name: str) -> dict[str, torch.Tensor]:
    """The tensors of a file in torch's own format, out of A1111's table where there is one."""
    if isinstance(content, torch.Tensor):
        return {"": content}
    if not isinstance(content, dict):
        raise BadIngredient("not_an_embedding", ROLE, name=name)
    table = content.get("string_to_param", content)
    if not isinstance(table, dict):
        raise BadIngredient("not_an_embedding", ROLE, name=name)
    return {str(key)[:200]: value for key, value in table.items() if isinstance(value, torch.Tensor)}


def _chosen(file: WeightFile) -> EmbeddingVectors:
    first = next((key for key in _L_KEYS if key in file.shapes), None)
    second = next((key for key in _G_KEYS if key in file.shapes), None)
    if first is None and second is None:
        return EmbeddingVectors(_vectors(file, _only_key(file)))
    if first is None or second is None:
        file.refuse("missing_pair", key=_L_KEYS[0] if first is None else _G_KEYS[0])
    pair = EmbeddingVectors(_vectors(file, first), _vectors(file, second))
    if pair.clip_g is not None and len(pair.clip_g) != pair.count:
        file.refuse("wrong_shape", key=second, shape=[len(pair.clip_g)], expected=[pair.count])
    return pair


def _only_key(file: WeightFile) -> str:
    """The one key that vectors stand under: `emb_params`, `*`, the word itself, or none for a tensor alone."""
    for key in ("emb_params", "*"):
        if key in file.shapes:
            return key
    if len(file.shapes) != 1:
        file.refuse("not_an_embedding")
    return next(iter(file.shapes))


def _vectors(file: WeightFile, key: str) -> torch.Tensor:
    shape = file.shapes[key]
    if len(shape) == 1:
        shape = (1, *shape)
    if len(shape) != 2 or not 1 <= shape[0] <= MAX_VECTORS or not 1 <= shape[1] <= MAX_WIDTH:
        file.refuse("wrong_shape", key=key[:200], shape=list(shape))
    return file.tensor(key).reshape(shape)
