"""LoRA and its kin: which spelling and kind an adapter file is, its rank, and the base model it was made for.

Spellings and kinds: the LyCORIS, peft, kohya and diffusers key forms. Every spelling is first brought to one: a module
name in kohya's manner (`down_blocks_1_attentions_0_…_attn2_to_k`), a side (which network it belongs to) and a role.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from registry.formats.names import NameIndex
from registry.formats.tensors import TensorInfo

# Ending of a tensor's name -> (kind, role). The kind that stands first in KINDS names the file.
_ENDINGS: Final[dict[str, tuple[str, str]]] = {
    ".hada_w1_a": ("loha", "factor"),
    ".hada_w1_b": ("loha", "down"),
    ".hada_w2_a": ("loha", "factor"),
    ".hada_w2_b": ("loha", "factor"),
    ".hada_t1": ("loha", "mid"),
    ".hada_t2": ("loha", "mid"),
    ".lokr_w1": ("lokr", "outer"),
    ".lokr_w1_a": ("lokr", "factor"),
    ".lokr_w1_b": ("lokr", "outer"),
    ".lokr_w2": ("lokr", "inner"),
    ".lokr_w2_a": ("lokr", "factor"),
    ".lokr_w2_b": ("lokr", "inner"),
    ".lokr_t2": ("lokr", "mid"),
    ".oft_blocks": ("oft", "factor"),
    ".oft_diag": ("oft", "factor"),
    ".a1.weight": ("glora", "factor"),
    ".a2.weight": ("glora", "factor"),
    ".b1.weight": ("glora", "factor"),
    ".b2.weight": ("glora", "factor"),
    ".on_input": ("ia3", "factor"),
    ".lora_mid.weight": ("lora", "mid"),
    ".lora_down.weight": ("lora", "down"),
    ".lora_up.weight": ("lora", "up"),
    "_lora.down.weight": ("lora", "down"),
    "_lora.up.weight": ("lora", "up"),
    ".lora.down.weight": ("lora", "down"),
    ".lora.up.weight": ("lora", "up"),
    ".lora_linear_layer.down.weight": ("lora", "down"),
    ".lora_linear_layer.up.weight": ("lora", "up"),
    ".dora_scale": ("dora", "magnitude"),
    ".w_norm": ("norm", "norm"),
    ".b_norm": ("norm", "norm"),
    ".diff": ("full", "down"),
    ".diff.weight": ("full", "down"),
    ".diff_b": ("full", "bias"),
}
_PEFT: Final = re.compile(r"\.lora_(A|B|embedding_A|embedding_B|magnitude_vector)(?:\.([^.]{1,200}))?(?:\.weight)?$")
_PEFT_ROLES: Final = {
    "A": ("lora", "down"),
    "B": ("lora", "up"),
    "embedding_A": ("lora", "down"),
    "embedding_B": ("lora", "up"),
    "magnitude_vector": ("dora", "magnitude"),
}
KINDS: Final = ("loha", "lokr", "oft", "glora", "ia3", "lora", "full", "norm", "dora")
_WEIGHT_KINDS: Final = frozenset(KINDS) - {"norm", "dora"}

_WRAPPERS: Final = ("base_model.model.", "lycoris_", "model.diffusion_model.", "diffusion_model.")
_SIDES: Final = (
    ("lora_te3_", "text_encoder_3"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te1_", "text_encoder"),
    ("lora_te_", "text_encoder"),
    ("text_encoder_3.", "text_encoder_3"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("text_encoders.clip_g.", "text_encoder_2"),
    ("text_encoders.clip_l.", "text_encoder"),
    ("text_encoders.t5xxl.", "text_encoder_3"),
    ("lora_prior_te_", "text_encoder"),
    ("lora_unet_", "denoiser"),
    ("oft_unet_", "denoiser"),
    ("lora_transformer_", "denoiser"),
    ("lora_prior_unet_", "denoiser"),
    ("unet.", "denoiser"),
    ("transformer.", "denoiser"),
)


@dataclass(slots=True)
class AdaptedModule:
    """One layer that the adapter changes. `width` is the layer's input width, where the factors tell it."""

    side: str
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def width(self) -> int | None:
        if (down := self.shapes.get("down")) and len(down) >= 2:
            return down[1]
        inner, outer = self.shapes.get("inner"), self.shapes.get("outer")
        return inner[1] * outer[-1] if inner and outer and len(inner) >= 2 else None

    @property
    def rank(self) -> int | None:
        """The inner dimension of a low-rank pair; None for full differences and the like."""
        down = self.shapes.get("rank")
        return down[0] if down else None

    @property
    def is_convolution(self) -> bool:
        """Whether a kernel larger than 1×1 is changed."""
        return any(len(shape) == 4 and max(shape[2:]) > 1 for shape in self.shapes.values())


@dataclass(frozen=True)
class Adapter:
    """All that an adapter file changes. `modules` maps a layer's plain name to what is known of it."""

    kind: str
    modules: dict[str, AdaptedModule]
    adapter_names: tuple[str, ...]
    is_dora: bool
    has_norms: bool

    @property
    def sides(self) -> tuple[str, ...]:
        """Which networks are changed: denoiser, text_encoder, text_encoder_2, text_encoder_3."""
        return tuple(sorted({module.side for module in self.modules.values()}))

    @property
    def model_type(self) -> str:
        """`dora`, `locon` (convolutions, or any kind but low-rank pairs) or `lora`."""
        if self.is_dora:
            return "dora"
        has_convolution = any(module.is_convolution for module in self.modules.values())
        return "locon" if has_convolution or self.kind != "lora" else "lora"

    def ranks(self) -> Counter[int]:
        """How many layers have which rank."""
        return Counter(module.rank for module in self.modules.values() if module.rank is not None)


def read_adapter(index: NameIndex) -> Adapter | None:
    """The adapter that the tensors are, or None when they are something else."""
    modules: dict[str, AdaptedModule] = {}
    kinds: set[str] = set()
    names: dict[str, None] = {}
    for tensor in index.tensors:
        part = _split(tensor.name)
        if part is None:
            continue
        module_name, kind, role, adapter_name = part
        kinds.add(kind)
        if adapter_name:
            names[adapter_name] = None
        side, plain = plain_module(module_name)
        _remember(modules.setdefault(plain, AdaptedModule(side)), kind, role, tensor)
    if not kinds & _WEIGHT_KINDS:
        return None
    first = next(kind for kind in KINDS if kind in kinds)
    return Adapter(first, modules, tuple(names), "dora" in kinds, "norm" in kinds)


def _remember(module: AdaptedModule, kind: str, role: str, tensor: TensorInfo) -> None:
    module.shapes.setdefault(role, tensor.shape)
    low_rank = (kind in ("lora", "loha") and role == "down") or tensor.name.endswith((".lokr_w1_b", ".lokr_w2_b"))
    if low_rank and tensor.shape:
        module.shapes.setdefault("rank", tensor.shape)


def _split(name: str) -> tuple[str, str, str, str] | None:
    """(module, kind, role, name of the adapter or empty) of an adapter's tensor; None for any other tensor."""
    for length in _ENDING_LENGTHS:
        found = _ENDINGS.get(name[-length:])
        if found and len(name) > length:
            return name[:-length], *found, ""
    if ".lora_" in name and (match := _PEFT.search(name)):
        named = match[2] if match[2] != "weight" else None
        return name[: match.start()], *_PEFT_ROLES[match[1]], named or ""
    return None


_ENDING_LENGTHS: Final = sorted({len(ending) for ending in _ENDINGS}, reverse=True)


def plain_module(name: str) -> tuple[str, str]:
    """(side, name in kohya's manner) of a layer, whatever tool spelled it."""
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    for prefix, side in _SIDES:
        if name.startswith(prefix):
            plain = _plain(name.removeprefix(prefix))
            return side, plain if side == "denoiser" else f"{side}:{plain}"
    return "denoiser", _plain(name)


def _plain(name: str) -> str:
    return name.replace(".processor", "").replace(".", "_")
