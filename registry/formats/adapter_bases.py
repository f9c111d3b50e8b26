"""For which base model an adapter was made: by the names of the layers it changes and by their input widths.

Rules from the layouts of the networks themselves (how many transformer blocks a place has, how wide its text states
are). A text encoder's layers alone tell little: SD 1.x, SDXL, SD 3 and Flux.1 share CLIP-L.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from registry.formats.adapters import Adapter
from registry.formats.catalog import base_model_of_width
from registry.formats.finding import UNKNOWN, Base, exactly, like, of_family, one_of

_SINGLE_BLOCK: Final = re.compile(r"single_(?:transformer_)?blocks_(\d{1,4})_")
_SPOT: Final = re.compile(r"(?:down_blocks|up_blocks|mid_block|input_blocks|output_blocks|middle_block)_")
_SPOT_BLOCK: Final = re.compile(r"_transformer_blocks_(\d{1,4})_")
_SDXL_TEXT: Final = re.compile(r"^text_encoder_2:", re.MULTILINE)
# Places where only SD 1.x and 2.x have attention: SDXL has none at the highest resolution.
_SMALL_UNET: Final = re.compile(
    r"^(?:down_blocks_0_attentions|up_blocks_3_attentions|input_blocks_[12]_1_|output_blocks_(?:9|10|11)_1_)",
    re.MULTILINE,
)


class _Layers:
    """An adapter's layer names as one text, with the widths of those that a rule names."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.text = "\n".join(adapter.modules)

    def has(self, *parts: str) -> bool:
        return any(part in self.text for part in parts)

    def widths(self, *endings: str, within: str = "") -> Iterator[int]:
        for name, module in self.adapter.modules.items():
            if name.endswith(endings) and within in name and (width := module.width) is not None:
                yield width


def adapter_base(adapter: Adapter) -> Base:
    """The base model of an adapter, as far as its tensors tell."""
    layers = _Layers(adapter)
    for rule in _RULES:
        if (base := rule(layers)) is not None:
            return base
    return UNKNOWN


def _named_transformer(layers: _Layers) -> Base | None:
    for parts, family in _MARKS:
        if layers.has(*parts):
            return of_family(family)
    return None


# Parts of layer names that one family alone has; the first hit wins.
_MARKS: Final = (
    (("distilled_guidance_layer",), "chroma"),
    (("double_stream_blocks_", "single_stream_blocks_"), "hidream"),
    (("individual_token_refiner", "_img_mod_linear"), "hunyuan_video"),
    (("joint_transformer_blocks_", "double_layers_"), "auraflow"),
)


def _flux(layers: _Layers) -> Base | None:
    if not layers.has("double_blocks_", "single_blocks_", "single_transformer_blocks_"):
        return None
    widths = set(layers.widths("attn_qkv", "attn_to_q", "linear1", "proj_mlp"))
    deepest = max((int(number) for number in _SINGLE_BLOCK.findall(layers.text)), default=0)
    if 6144 in widths:
        return exactly("Flux.2 D")
    if deepest >= 38:  # Flux.1 has 38 single blocks; at its width only Hunyuan Video has more
        return of_family("hunyuan_video") if 3072 in widths else of_family("flux2")
    return of_family("flux1")


def _sd3(layers: _Layers) -> Base | None:
    joint = layers.has("joint_blocks_")
    if not joint and not layers.has("attn_add_q_proj", "attn_add_k_proj", "attn_add_v_proj", "_img_mod_1", "_img_mlp_"):
        return None
    widths = set(layers.widths("attn_qkv", "attn_to_q", "attn_to_k", "attn_to_v", "_proj"))
    if 2432 in widths:
        return like("SD 3.5 Large")
    if joint or 1536 in widths:
        return of_family("sd3")
    if layers.has("_img_mod_1", "_img_mlp_", "_txt_mlp_"):
        return of_family("qwen")
    return of_family("flux1") if 3072 in widths else None


def _single_stream(layers: _Layers) -> Base | None:
    if layers.has("_cross_attn_") and layers.has("_self_attn_") and layers.has("blocks_"):
        return of_family("wan")
    if layers.has("noise_refiner_", "context_refiner_") or re.search(r"^layers_\d+_attention_", layers.text, re.M):
        widths = set(layers.widths("_qkv", "_to_q", "_to_k", "_to_v", "_w1"))
        by_width = {3840: "zimage", 2304: "lumina"}
        return next(
            (of_family(by_width[width]) for width in widths if width in by_width), one_of("Lumina", "ZImageTurbo")
        )
    if not _SPOT.search(layers.text) and 1152 in set(layers.widths("attn2_to_k", "attn2_to_v", "cross_attn_kv_linear")):
        return of_family("pixart")
    return None


def _cross_attention(layers: _Layers) -> Base | None:
    widths = set(layers.widths("attn2_to_k", "attn2_to_v"))
    rows = {row.id: row for width in widths if (row := base_model_of_width(width))}
    if len(rows) == 1:
        (row,) = rows.values()
        return of_family(row.family)
    return exactly("SDXL 1.0", "refiner") if widths == {1280} else None


def _unet_structure(layers: _Layers) -> Base | None:
    """Adapters without cross-attention (sliders): how many transformer blocks a place has tells the U-Net."""
    spots = [name for name in layers.adapter.modules if _SPOT.match(name)]
    if any(int(number) > 0 for name in spots for number in _SPOT_BLOCK.findall(name)):
        return of_family("sdxl")
    if layers.has("lora_te2_") or _SDXL_TEXT.search(layers.text):
        return of_family("sdxl")
    if not _SMALL_UNET.search(layers.text):
        return None
    # SD 1.x projects into its transformers by a 1×1 convolution, SD 2.x by a plain matrix.
    projections = {
        len(m.shapes["down"]) for n, m in layers.adapter.modules.items() if "proj_in" in n and "down" in m.shapes
    }
    if projections == {4}:
        return of_family("sd1")
    return of_family("sd2") if projections == {2} else one_of("SD 1.5", "SD 2.1")


def _text_encoders(layers: _Layers) -> Base | None:
    if "denoiser" in layers.adapter.sides:
        return None
    widths = set(layers.widths("_q_proj", "_k_proj", "_v_proj", "_fc1"))
    if widths == {1024}:
        return of_family("sd2")
    tiny = base_model_of_width(next(iter(widths))) if len(widths) == 1 else None
    if tiny is not None and tiny.family == "tiny":
        return of_family("tiny")
    return one_of("SD 1.5", "SDXL 1.0", "SD 3", "Flux.1 D")


_RULES: Final[tuple[Callable[[_Layers], Base | None], ...]] = (
    _named_transformer,
    _flux,
    _sd3,
    _single_stream,
    _cross_attention,
    _unet_structure,
    _text_encoders,
)
