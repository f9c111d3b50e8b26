"""Which base model a denoiser belongs to: a table of keys that one architecture alone has, then shapes.

U-Nets are told by the width of the text states their cross-attention reads (768, 1024, 2048 …: the base-model list),
transformers by the names of their blocks. Facts from the layouts of the published networks.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from registry.formats.catalog import base_model_of_width
from registry.formats.finding import UNKNOWN, Base, exactly, like, of_family, one_of
from registry.formats.names import NameIndex

# Prefixes under which a whole file may hold its denoiser.
PREFIXES: Final = ("model.diffusion_model.", "diffusion_model.", "unet.", "transformer.", "")
_UNET_INPUTS: Final = tuple(
    f"{prefix}{name}" for prefix in PREFIXES for name in ("input_blocks.0.0.weight", "conv_in.weight")
)
_INPUT_CHANNELS: Final = {9: "inpainting", 8: "instruct_pix2pix", 5: "depth"}
_TENTH_BLOCK: Final = (
    "input_blocks.8.1.transformer_blocks.9.",
    "down_blocks.2.attentions.1.transformer_blocks.9.",
)


def transformer_base(index: NameIndex) -> Base | None:
    """The base model of a transformer denoiser, or None where there is none."""
    for parts, rule in _TRANSFORMERS:
        if all(index.has(part) for part in parts):
            return rule(index)
    return None


def unet_base(index: NameIndex) -> Base | None:
    """The base model of a U-Net, or None where there is none."""
    if not index.cross_widths:
        return None
    base = _unet_family(index)
    channels = input_channels(index)
    variants = [_INPUT_CHANNELS[channels]] if channels in _INPUT_CHANNELS else []
    return replace(base, variants=(*base.variants, *variants))


def input_channels(index: NameIndex) -> int | None:
    """Channels that the U-Net's first convolution reads; None where it is not there."""
    for name in _UNET_INPUTS:
        tensor = index.by_name.get(name)
        if tensor is not None and len(tensor.shape) == 4:
            return tensor.shape[1]
    return None


def _unet_family(index: NameIndex) -> Base:
    widths = index.cross_widths
    if widths == {1280}:
        return exactly("SDXL 1.0", "refiner")
    rows = {row.id: row for width in widths if (row := base_model_of_width(width)) is not None}
    if len(rows) != 1:
        return Base(notes=("unknown_width",))
    (row,) = rows.values()
    if row.family == "sdxl":
        return _sdxl(index)
    return of_family(row.family)


def _sdxl(index: NameIndex) -> Base:
    if index.has("encoder_hid_proj.weight"):
        return exactly("Kolors")
    if "edm_mean" in index.by_name:
        return exactly("Playground v2.5", "edm")
    is_whole = index.has("input_blocks.4.1.", "down_blocks.1.attentions.0.")
    if is_whole and not index.has(*_TENTH_BLOCK):
        return exactly("SDXL Distilled", "distilled")
    return of_family("sdxl")


def _flux1(index: NameIndex) -> Base:
    shape = index.shape_ending("img_in.weight", "x_embedder.weight")
    width = shape[1] if shape and len(shape) == 2 else 64
    variant = {384: ("inpainting",), 128: ("control",)}.get(width, ())
    if index.has("guidance_in.", "time_text_embed.guidance_embedder."):
        return like("Flux.1 D", *variant)
    return exactly("Flux.1 S", *variant)


def _flux2(index: NameIndex) -> Base:
    shape = index.shape_ending("img_in.weight", "x_embedder.weight")
    by_width = {6144: "Flux.2 D", 4096: "Flux.2 Klein 9B", 3072: "Flux.2 Klein 4B"}
    base = by_width.get(shape[0]) if shape else None
    return exactly(base) if base else of_family("flux2")


def _sd3(index: NameIndex) -> Base:
    positions = index.shape_ending("pos_embed", "pos_embed.pos_embed")
    if index.has("joint_blocks.37.", ".transformer_blocks.37.", "\ntransformer_blocks.37."):
        return like("SD 3.5 Large")
    if (positions and 147_456 in positions) or index.has(
        "joint_blocks.0.x_block.attn2.", "transformer_blocks.0.attn2."
    ):
        return exactly("SD 3.5 Medium")
    return exactly("SD 3")


def _pixart(index: NameIndex) -> Base:
    if index.has("mlp.inverted_conv", "mlp.glumb", "ff.conv_inverted"):
        return UNKNOWN  # Sana, which is not on the list
    if index.has("csize_embedder", "resolution_embedder"):
        return exactly("PixArt a")
    return like("PixArt E")


def _caption_embedder(index: NameIndex) -> Base:
    shape = index.shape_ending("cap_embedder.1.weight")
    if index.has("layers.0.adaLN_modulation.0.") or (shape and shape[0] == 3840):
        return of_family("zimage")
    return of_family("lumina")


def _wan(index: NameIndex) -> Base:
    patch = index.shape_ending("patch_embedding.weight")
    if patch is None or len(patch) < 2:
        return of_family("wan")
    known: dict[tuple[int, ...], str] = {(1536, 16): "Wan Video 1.3B t2v", (3072, 48): "Wan Video 2.2 TI2V-5B"}
    if (base := known.get(patch[:2])) is not None:
        return exactly(base)
    by_channels = {16: ("Wan Video 14B t2v", "Wan Video 2.2 T2V-A14B"),
                   36: ("Wan Video 14B i2v 480p", "Wan Video 14B i2v 720p", "Wan Video 2.2 I2V-A14B")}  # fmt: skip
    members = by_channels.get(patch[1])
    return replace(one_of(*members), base=members[0], notes=("member_not_told",)) if members else of_family("wan")


def _family(family: str) -> Callable[[NameIndex], Base]:
    return lambda index: of_family(family)


# Keys that all must be there -> rule. The first hit wins, so what shares keys with another stands before it.
_TRANSFORMERS: Final[tuple[tuple[tuple[str, ...], Callable[[NameIndex], Base]], ...]] = (
    (("single_stream_modulation.lin",), _flux2),
    (("distilled_guidance_layer.",), _family("chroma")),
    (("individual_token_refiner",), _family("hunyuan_video")),
    (("double_stream_blocks.",), _family("hidream")),
    (("double_blocks.0.img_attn.",), _flux1),
    (("single_transformer_blocks.", "transformer_blocks.0.attn.add_k_proj"), _flux1),
    (("double_layers.0.attn.w2q",), _family("auraflow")),
    (("joint_transformer_blocks.",), _family("auraflow")),
    (("joint_blocks.0.",), _sd3),
    (("transformer_blocks.0.img_mod.1.",), _family("qwen")),
    (("transformer_blocks.0.attn.add_k_proj", "pos_embed.proj"), _sd3),
    (("cap_embedder.", "layers.0."), _caption_embedder),
    (("blocks.0.cross_attn.q_linear",), _pixart),
    (("caption_projection.linear_1", "adaln_single."), _pixart),
    (("mlp_t5.", "text_embedding_padding"), _family("hunyuan1")),
    (("head.modulation", "blocks.0.cross_attn."), _wan),
    (("condition_embedder.", "blocks.0.attn2.", "patch_embedding."), _wan),
    (("clip_txt_mapper",), _family("cascade")),
    (("down_blocks.0.channelwise",), _family("cascade")),
    (("down_blocks.1.0.channelwise",), _family("cascade")),
)
