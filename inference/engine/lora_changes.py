"""One open adapter file as a list of changes to layers, and the list of what it holds beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import nn

from inference.engine.lora_deltas import weight_change
from inference.engine.lora_keys import LayerKeys, LayerName, read_keys
from inference.engine.lora_layers import Layer, LayerIndex
from inference.engine.lora_parts import PartFault
from inference.engine.weights import WeightFile

MAX_NOTES: Final = 50  # of one adapter; the last says how many more there are
MAX_ALPHA_TABLE: Final = 1 << 20  # letters
_ALPHA_KEY: Final = "lora_adapter_metadata"  # where diffusers keeps peft's settings, as JSON
_TABLES: Final = {"denoiser": ("unet", "transformer")}
_NOT_OF_WEIGHT: Final = frozenset({"alpha", "diff_b", "up_bias"})

_REASONS: Final = {
    "no_such_layer": "no layer of that name",
    "unknown": "not part of an adapter",
    "another_adapter": "belongs to another adapter in the file",
    "said_twice": "says again what another tensor says",
    "no_bias": "the layer has no bias",
    "incomplete": "has a scale and no weights",
    "boft": "BOFT is not supported",
}


@dataclass(eq=False)
class Change:
    """What a file does to one layer's weight (or bias), multiplied by `strength`; reckoned once for all its parts."""

    file: WeightFile
    layer: Layer
    written: str
    keys: Mapping[str, str]
    strength: float
    alpha: float | None = None
    attribute: str = "weight"
    _whole: torch.Tensor | None = None
    _left: int = 0

    def parameters(self) -> Iterator[nn.Parameter]:
        for part in self.layer:
            yield getattr(part.module, self.attribute)

    def share(self, place: int, originals: Sequence[torch.Tensor]) -> torch.Tensor:
        """The change of the part at `place`. `originals` are the untouched float32 rows of all parts.

        Each part is asked for once; the whole is dropped with the last.
        """
        if self._whole is None:
            self._whole, self._left = self._reckon(torch.cat(tuple(originals))), len(self.layer)
        start = sum(len(original) for original in originals[:place])
        piece = self._whole[start : start + len(originals[place])]
        self._left -= 1
        if not self._left:
            self._whole = None
        return piece

    def _reckon(self, original: torch.Tensor) -> torch.Tensor:
        parts = {part: self._part(part, key).to(original.device) for part, key in self.keys.items()}
        try:
            return weight_change(parts, original, self.alpha) * self.strength
        except PartFault as fault:
            key = self.keys.get(fault.part, self.written)
            self.file.refuse(fault.code, key=key[:200], **fault.params)

    def _part(self, part: str, key: str) -> torch.Tensor:
        return torch.tensor(float(self.file.flag(key))) if part == "on_input" else self.file.tensor(key)


@dataclass
class OpenLora:
    """The changes of one file, and what of it is left out: (name, reason) pairs."""

    file: WeightFile
    changes: list[Change] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def notes(self) -> list[str]:
        """A sentence for each part that is left out."""
        shown = [f"{self.file.name}: {key[:200]}: {_REASONS[reason]}" for key, reason in self.left_out[:MAX_NOTES]]
        more = len(self.left_out) - len(shown)
        return [*shown, f"{self.file.name}: {more} more parts are not applied"] if more else shown


def read_changes(file: WeightFile, index: LayerIndex, weight: float, clip_weight: float) -> OpenLora:
    """All that the file changes in the layers of `index`.

    Raises BadIngredient `nothing_applies` when no layer, or no layer of the denoiser although the file has some, is
    there: an adapter of another family may still meet a text encoder that both share.
    """
    found = read_keys(file.shapes)
    lora = OpenLora(file, left_out=list(found.strangers))
    alphas = _alpha_table(file.metadata)
    met: dict[str, bool] = {}
    for keys in found.layers:
        layer = index.find(keys.name)
        reason = _reason_against(file, keys, layer)
        met[keys.name.side] = met.get(keys.name.side, False) or reason is None
        if layer is None or reason is not None:
            lora.left_out.append((keys.written, reason or "no_such_layer"))
            continue
        strength = weight if keys.name.side == "denoiser" else clip_weight
        if strength:
            lora.changes += _changes(lora, keys, layer, strength, alphas)
    if not met.get("denoiser", any(met.values())):
        file.refuse("nothing_applies")
    return lora


def _reason_against(file: WeightFile, keys: LayerKeys, layer: Layer | None) -> str | None:
    """Why a layer's part cannot be applied; None: it can."""
    blocks = keys.keys.get("oft_blocks")
    if blocks is not None and len(file.shapes[blocks]) == 4:  # several rotations in a row
        return "boft"
    if layer is None:
        return "no_such_layer"
    return "incomplete" if keys.keys.keys() <= {"alpha", "rescale"} else None


def _changes(
    lora: OpenLora, keys: LayerKeys, layer: Layer, strength: float, alphas: Mapping[str, Any]
) -> Iterator[Change]:
    file = lora.file
    alpha = file.scalar(keys.keys["alpha"]) if "alpha" in keys.keys else None
    rank = _rank(file, keys)
    if alpha is None and rank is not None:
        alpha = _alpha_of(alphas, keys.name, rank)
    weights = {part: key for part, key in keys.keys.items() if part not in _NOT_OF_WEIGHT}
    if weights:
        yield Change(file, layer, keys.written, weights, strength, alpha)
    for part in ("diff_b", "up_bias"):
        if part not in keys.keys:
            continue
        if any(getattr(piece.module, "bias", None) is None for piece in layer):
            lora.left_out.append((keys.keys[part], "no_bias"))
            continue
        scale = alpha / rank if part == "up_bias" and alpha is not None and rank else 1.0
        yield Change(file, layer, keys.written, {"diff": keys.keys[part]}, strength * scale, attribute="bias")


def _rank(file: WeightFile, keys: LayerKeys) -> int | None:
    for part in ("down", "embedding_down"):
        if part in keys.keys and (shape := file.shapes[keys.keys[part]]):
            return shape[0] or None
    return None


def _alpha_table(metadata: Mapping[str, str]) -> dict[str, Any]:
    """peft's settings of all networks, by dotted name; empty where the file has none that can be read."""
    text = metadata.get(_ALPHA_KEY, "")
    if not text or len(text) > MAX_ALPHA_TABLE:
        return {}
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _alpha_of(table: Mapping[str, Any], name: LayerName, rank: int) -> float | None:
    """The alpha that peft's settings give a layer, rank-stabilized scaling (alpha/√r) turned into the plain one."""
    for network in _TABLES.get(name.side, (name.side,)):
        alpha = table.get(f"{network}.lora_alpha")
        patterns = table.get(f"{network}.alpha_pattern")
        for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
            plain = str(pattern).removeprefix("text_model.").replace(".", "_")
            if name.plain == plain or name.plain.endswith("_" + plain):
                alpha = value
        if isinstance(alpha, int | float) and not isinstance(alpha, bool) and math.isfinite(alpha):
            return alpha * math.sqrt(rank) if table.get(f"{network}.use_rslora") is True else float(alpha)
    return None
