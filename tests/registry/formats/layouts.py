"""Tensor lists of real networks at their real widths, written from their published layouts: a file of each family.

Only what tells a family apart is complete (block structure, attention, inputs); no bytes exist behind the lists.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

Spec = dict[str, tuple[str, tuple[int, ...]]]


@dataclass
class Row:
    """A file and what is to be said of it; `also` names further facts, `note` a code among the notes."""

    spec: Spec
    model_type: str
    base: str | None
    also: dict = field(default_factory=dict)


def f16(**shapes: tuple[int, ...]) -> Spec:
    return {name.replace("__", "."): ("F16", shape) for name, shape in shapes.items()}


# (channels, transformer blocks) of the attention places in LDM naming; the cross width is the parameter.
SD_PLACES = {
    **{f"input_blocks.{i}.1": (c, 1) for i, c in {1: 320, 2: 320, 4: 640, 5: 640, 7: 1280, 8: 1280}.items()},
    "middle_block.1": (1280, 1),
    **{f"output_blocks.{i}.1": (c, 1) for i, c in {3: 1280, 4: 1280, 5: 1280, 6: 640, 8: 640, 9: 320, 11: 320}.items()},
}
SDXL_PLACES = {
    "input_blocks.4.1": (640, 2),
    "input_blocks.5.1": (640, 2),
    "input_blocks.7.1": (1280, 10),
    "input_blocks.8.1": (1280, 10),
    "middle_block.1": (1280, 10),
    "output_blocks.0.1": (1280, 10),
    "output_blocks.1.1": (1280, 10),
    "output_blocks.3.1": (640, 2),
    "output_blocks.5.1": (640, 2),
}
REFINER_PLACES = {f"input_blocks.{i}.1": (c, 4) for i, c in {4: 768, 5: 768, 7: 1536, 8: 1536}.items()}
SSD_PLACES = {
    "input_blocks.4.1": (640, 2),
    "input_blocks.5.1": (640, 2),
    "input_blocks.7.1": (1280, 4),
    "input_blocks.8.1": (1280, 4),
}

SD_DIFFUSERS = {
    **{f"down_blocks.{b}.attentions.{a}": (c, 1) for b, c in enumerate((320, 640, 1280)) for a in range(2)},
    "mid_block.attentions.0": (1280, 1),
    **{f"up_blocks.{b + 1}.attentions.{a}": (c, 1) for b, c in enumerate((1280, 640, 320)) for a in range(3)},
}
SDXL_DIFFUSERS = {
    **{f"down_blocks.{b}.attentions.{a}": (c, n) for b, c, n in ((1, 640, 2), (2, 1280, 10)) for a in range(2)},
    "mid_block.attentions.0": (1280, 10),
    **{f"up_blocks.{b}.attentions.{a}": (c, n) for b, c, n in ((0, 1280, 10), (1, 640, 2)) for a in range(3)},
}


def attention(places: dict[str, tuple[int, int]], cross: int) -> Iterable[tuple[str, int, int]]:
    """(layer, output width, input width) of every attention projection."""
    for place, (channels, depth) in places.items():
        for block in range(depth):
            for part, width in (("attn1", channels), ("attn2", cross)):
                name = f"{place}.transformer_blocks.{block}.{part}"
                yield f"{name}.to_q", channels, channels
                yield f"{name}.to_k", channels, width
                yield f"{name}.to_v", channels, width
                yield f"{name}.to_out.0", channels, channels


def unet(places: dict[str, tuple[int, int]], cross: int, inputs: int = 4, dtype: str = "F16", prefix: str = "") -> Spec:
    first = "conv_in.weight" if any(place.startswith("down_blocks") for place in places) else "input_blocks.0.0.weight"
    spec: Spec = {f"{prefix}{first}": (dtype, (320, inputs, 3, 3))}
    for name, out, width in attention(places, cross):
        spec[f"{prefix}{name}.weight"] = (dtype, (out, width))
    return spec


def vae(latents: int = 4, dtype: str = "F16", prefix: str = "", levels: str = "down.0.block.0.norm1") -> Spec:
    return {
        f"{prefix}encoder.conv_in.weight": (dtype, (128, 3, 3, 3)),
        f"{prefix}encoder.{levels}.weight": (dtype, (128,)),
        f"{prefix}decoder.conv_in.weight": (dtype, (512, latents, 3, 3)),
        f"{prefix}decoder.conv_out.weight": (dtype, (3, 128, 3, 3)),
    }


def clip(prefix: str = "cond_stage_model.transformer.", width: int = 768, dtype: str = "F16") -> Spec:
    return {
        f"{prefix}text_model.embeddings.token_embedding.weight": (dtype, (49408, width)),
        f"{prefix}text_model.encoder.layers.0.self_attn.q_proj.weight": (dtype, (width, width)),
    }


def checkpoint(
    places: dict[str, tuple[int, int]],
    cross: int,
    inputs: int = 4,
    dtype: str = "F16",
    **extra: tuple[str, tuple[int, ...]],
) -> Spec:
    return {
        **unet(places, cross, inputs, dtype, "model.diffusion_model."),
        **clip(dtype=dtype),
        **vae(dtype=dtype, prefix="first_stage_model."),
        **extra,
    }


def kohya(
    layers: Iterable[tuple[str, int, int]], rank: int = 16, prefix: str = "lora_unet_", dtype: str = "F16"
) -> Spec:
    spec: Spec = {}
    for name, out, width in layers:
        plain = f"{prefix}{name.replace('.', '_')}"
        spec[f"{plain}.lora_down.weight"] = (dtype, (rank, width))
        spec[f"{plain}.lora_up.weight"] = (dtype, (out, rank))
        spec[f"{plain}.alpha"] = (dtype, ())
    return spec


def peft(
    layers: Iterable[tuple[str, int, int]], rank: int = 8, prefix: str = "unet.", adapter: str | None = None
) -> Spec:
    middle = f".{adapter}" if adapter else ""
    spec: Spec = {}
    for name, out, width in layers:
        spec[f"{prefix}{name}.lora_A{middle}.weight"] = ("F32", (rank, width))
        spec[f"{prefix}{name}.lora_B{middle}.weight"] = ("F32", (out, rank))
    return spec


def text_layers(width: int, count: int = 2) -> Iterable[tuple[str, int, int]]:
    for number in range(count):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield f"text_model.encoder.layers.{number}.self_attn.{part}", width, width


def flux(prefix: str = "", inputs: int = 64, guidance: bool = True, dtype: str = "BF16", width: int = 3072) -> Spec:
    spec: Spec = {
        f"{prefix}img_in.weight": (dtype, (width, inputs)),
        f"{prefix}double_blocks.0.img_attn.qkv.weight": (dtype, (3 * width, width)),
        f"{prefix}double_blocks.0.img_attn.norm.key_norm.scale": (dtype, (128,)),
        f"{prefix}single_blocks.37.linear1.weight": (dtype, (7 * width, width)),
    }
    if guidance:
        spec[f"{prefix}guidance_in.in_layer.weight"] = (dtype, (width, 256))
    return spec


def flux_layers(width: int = 3072, single: int = 38) -> Iterable[tuple[str, int, int]]:
    for number in range(2):
        yield f"double_blocks.{number}.img_attn.qkv", 3 * width, width
    for number in range(single):
        yield f"single_blocks.{number}.linear1", 7 * width, width


def sd3(blocks: int, positions: int, width: int, prefix: str = "", dual: bool = False) -> Spec:
    spec: Spec = {f"{prefix}pos_embed": ("F16", (1, positions, width))}
    for number in range(blocks):
        spec[f"{prefix}joint_blocks.{number}.context_block.adaLN_modulation.1.bias"] = ("F16", (6 * width,))
        spec[f"{prefix}joint_blocks.{number}.x_block.attn.qkv.weight"] = ("F16", (3 * width, width))
        if dual:
            spec[f"{prefix}joint_blocks.{number}.x_block.attn2.qkv.weight"] = ("F16", (3 * width, width))
    return spec
