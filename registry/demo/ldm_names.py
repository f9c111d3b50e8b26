"""Names of tensors: from the folder layout of diffusers to the single-file layout in which Stable Diffusion began.

The target is the layout that CompVis' `ldm` and every tool after it reads: `model.diffusion_model.`,
`first_stage_model.`, `cond_stage_model.transformer.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

UNET: Final = "model.diffusion_model."
VAE: Final = "first_stage_model."
TEXT: Final = "cond_stage_model.transformer."

_UNET_STEM: Final = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESNET: Final = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_PLACE: Final = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE: Final = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")
_VAE_ATTENTION: Final = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_names(names: Iterable[str], layers: int) -> dict[str, str]:
    """Old name to new name for a U-Net with `layers` residual layers a block. KeyError for a name it cannot have."""
    names = list(names)
    with_attention = {place[2] for name in names if (place := _PLACE.match(name)) and name.startswith("up_blocks")
                      if place[3] == "attentions"}  # fmt: skip
    return {name: UNET + _unet_name(name, layers, with_attention) for name in names}


def _unet_name(name: str, layers: int, with_attention: set[str]) -> str:
    if place := _PLACE.fullmatch(name):
        side, block, kind, number, rest = place.groups()
        at = (layers + 1) * int(block)
        if kind == "downsamplers":
            return f"input_blocks.{at + layers + 1}.0.op{rest.removeprefix('conv')}"
        if kind == "upsamplers":
            return f"output_blocks.{at + layers}.{2 if block in with_attention else 1}.{rest}"
        home = f"input_blocks.{at + int(number) + 1}" if side == "down" else f"output_blocks.{at + int(number)}"
        return f"{home}.0.{_in_resnet(rest)}" if kind == "resnets" else f"{home}.1.{rest}"
    if middle := _MIDDLE.fullmatch(name):
        kind, number, rest = middle.groups()
        return f"middle_block.{2 * int(number)}.{_in_resnet(rest)}" if kind == "resnets" else f"middle_block.1.{rest}"
    stem, _, leaf = name.rpartition(".")
    return f"{_UNET_STEM[stem]}.{leaf}"


def _in_resnet(rest: str) -> str:
    part, _, leaf = rest.partition(".")
    return f"{_RESNET[part]}.{leaf}"


def vae_names(names: Iterable[str], blocks: int) -> dict[str, str]:
    """Old name to new name for an autoencoder with `blocks` levels, which the decoder counts from the other end."""
    return {name: VAE + _vae_name(name, blocks) for name in names}


def _vae_name(name: str, blocks: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    if place := re.fullmatch(r"(encoder|decoder)\.(.+)", name):
        half, rest = place.groups()
        if inner := _PLACE.fullmatch(rest):
            side, block, kind, number, leaf = inner.groups()
            level = int(block) if side == "down" else blocks - 1 - int(block)
            part = {"resnets": f"block.{number}", "downsamplers": "downsample", "upsamplers": "upsample"}[kind]
            return f"{half}.{side}.{level}.{part}.{leaf}"
        if middle := _MIDDLE.fullmatch(rest):
            kind, number, leaf = middle.groups()
            if kind == "resnets":
                return f"{half}.mid.block_{int(number) + 1}.{leaf}"
            part, _, end = leaf.rpartition(".")
            return f"{half}.mid.attn_1.{_VAE_ATTENTION[part]}.{end}"
    return name


def text_names(names: Iterable[str]) -> dict[str, str]:
    """Old name to new name for CLIP's text model, with or without the `text_model.` that its owner wrote before it."""
    return {name: f"{TEXT}text_model.{name.removeprefix('text_model.')}" for name in names}
