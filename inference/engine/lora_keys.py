"""The names inside an adapter file: which layer a tensor changes, and which part of the change it is.

Spellings of kohya, LyCORIS, peft and both generations of diffusers. Every layer's name is brought to kohya's manner
(`down_blocks_1_attentions_0_…_attn2_to_k`) with the network that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Final

from registry.formats.adapters import plain_module

MAX_KEY: Final = 1_024  # letters; no layer of any network has a name half as long

# Ending of a tensor's name -> part of a layer's change.
_ENDINGS: Final[dict[str, str]] = {
    **{f"{stem}.down.weight": "down" for stem in (".lora", "_lora", ".lora_linear_layer")},
    **{f"{stem}.up.weight": "up" for stem in (".lora", "_lora", ".lora_linear_layer")},
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".lora_mid.weight": "mid",
    ".alpha": "alpha",
    ".dora_scale": "dora_scale",
    ".diff": "diff",
    ".diff.weight": "diff",
    ".diff_b": "diff_b",
    ".w_norm": "diff",
    ".b_norm": "diff_b",
    **{f".{part}": part for part in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2")},
    **{f".{part}": part for part in ("lokr_w1", "lokr_w1_a", "lokr_w1_b")},
    **{f".{part}": part for part in ("lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")},
    **{f".{part}": part for part in ("oft_blocks", "oft_diag", "rescale", "on_input")},
    **{f".{part}.weight": f"glora_{part}" for part in ("a1", "a2", "b1", "b2", "bm")},
}
_ENDING_LENGTHS: Final = sorted({len(ending) for ending in _ENDINGS}, reverse=True)
_FLAG: Final = ".on_input"  # (IA)³ calls its numbers by no name but the layer's; this stands beside them

_PEFT: Final = re.compile(
    r"\.lora_(A|B|embedding_A|embedding_B|magnitude_vector)(?:\.(?!weight$|bias$)([^.]{1,200}))?(\.weight|\.bias)?$"
)
_PEFT_PARTS: Final = {
    ("A", False): "down",
    ("B", False): "up",
    ("B", True): "up_bias",
    ("embedding_A", False): "embedding_down",
    ("embedding_B", False): "embedding_up",
    ("magnitude_vector", False): "magnitude",
}
# diffusers before 0.22 named the text encoder's projections as the U-Net's.
_OLD_TEXT: Final = {"_to_q": "_q_proj", "_to_k": "_k_proj", "_to_v": "_v_proj", "_to_out": "_out_proj"}
_MODEL_WRAPPERS: Final = ("base_model_model_", "transformer_text_model_", "text_model_", "transformer_")


@dataclass(frozen=True, slots=True)
class LayerName:
    """A layer: `side` is denoiser, text_encoder, text_encoder_2 or text_encoder_3; `plain` is underscored."""

    side: str
    plain: str


@dataclass(slots=True)
class LayerKeys:
    """What a file says of one layer. `written` is the layer as the file spells it; `keys` maps a part to its tensor."""

    written: str
    name: LayerName
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FileKeys:
    """All layers of a file in the file's order, and the tensors that belong to none with the reason."""

    layers: list[LayerKeys]
    strangers: list[tuple[str, str]]


def read_keys(names: Iterable[str]) -> FileKeys:
    """Sort a file's tensor names by layer.

    A file may hold several named adapters (peft): "default" is taken, else the first; the others are strangers.
    """
    names = list(names)
    weighed = {name.removesuffix(_FLAG) for name in names if name.endswith(_FLAG)}
    found = [(name, _split(name) or _weighing(name, weighed)) for name in names]
    adapters = dict.fromkeys(part[2] for _, part in found if part is not None and part[2])
    chosen = "default" if "default" in adapters else next(iter(adapters), "")
    layers: dict[str, LayerKeys] = {}
    strangers: list[tuple[str, str]] = []
    for name, part in found:
        if part is None:
            strangers.append((name, "unknown"))
            continue
        written, role, adapter = part
        if adapter not in ("", chosen):
            strangers.append((name, "another_adapter"))
            continue
        layer = layers.setdefault(written, LayerKeys(written, layer_name(written)))
        if layer.keys.setdefault(role, name) != name:
            strangers.append((name, "said_twice"))
    return FileKeys(list(layers.values()), strangers)


def _split(name: str) -> tuple[str, str, str] | None:
    """(layer as written, part, name of the adapter or empty) of a tensor's name; None for one that is no adapter's."""
    if len(name) > MAX_KEY:
        return None
    for length in _ENDING_LENGTHS:
        part = _ENDINGS.get(name[-length:])
        if part and len(name) > length:
            return name[:-length], part, ""
    match = _PEFT.search(name) if ".lora_" in name else None
    if match is None or match.start() == 0:
        return None
    peft_part = _PEFT_PARTS.get((match[1], match[3] == ".bias"))
    return (name[: match.start()], peft_part, match[2] or "") if peft_part else None


def _weighing(name: str, weighed: Set[str]) -> tuple[str, str, str] | None:
    layer = name.removesuffix(".weight")
    is_weighing = layer not in ("", name) and layer in weighed and len(name) <= MAX_KEY
    return (layer, "ia3", "") if is_weighing else None


def layer_name(written: str) -> LayerName:
    """The layer that a tool's spelling means."""
    side, plain = plain_module(written)
    plain = plain.removeprefix(f"{side}:")
    if plain.startswith("base_model_model_"):
        plain = plain.removeprefix("base_model_model_")
    if side == "denoiser" and plain.startswith("text_model_"):
        side = "text_encoder"  # a bare text encoder's adapter
    if side == "denoiser":
        return LayerName(side, plain + "_0" if plain.endswith("_to_out") else plain)
    for wrapper in _MODEL_WRAPPERS:
        plain = plain.removeprefix(wrapper)
    old = next((ending for ending in _OLD_TEXT if plain.endswith(ending)), None)
    return LayerName(side, plain.removesuffix(old) + _OLD_TEXT[old] if old else plain)
