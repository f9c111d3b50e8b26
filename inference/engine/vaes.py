"""Load an autoencoder that is to take the place of a checkpoint's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from diffusers import AutoencoderKL

from inference.engine.single_networks import Config, blank, fill, read_config
from inference.engine.weights import WeightFile, open_weights
from registry.demo.ldm_names import VAE, vae_names

ROLE: Final = "vae"
_PREFIXES: Final = (VAE, "vae.", "")
_OLD_ATTENTION: Final = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}  # diffusers < 0.15


def load_vae(path: Path, config: Path | Config, dtype: torch.dtype, name: str = "") -> AutoencoderKL:
    """The autoencoder of a file, in `dtype` on the CPU. `config` is diffusers' configuration or the folder that has it.

    Names of the original layout or of diffusers', alone or under a checkpoint's prefix. Raises BadIngredient:
    `not_a_vae`, or what is wrong with which tensor.
    """
    settings = read_config(config)
    network = blank(AutoencoderKL, settings)
    with open_weights(path, ROLE, name or path.name) as file:
        names = _names(file, list(network.state_dict()), len(settings["block_out_channels"]))
        loaded: AutoencoderKL = fill(network, file, names, dtype)
    return loaded


def _names(file: WeightFile, expected: list[str], blocks: int) -> dict[str, str]:
    """diffusers' name -> the file's, in whichever of the layouts the file has."""
    prefix = next((prefix for prefix in _PREFIXES if f"{prefix}decoder.conv_in.weight" in file.shapes), None)
    if prefix is None or f"{prefix}decoder.conv_out.weight" not in file.shapes:
        file.refuse("not_a_vae")
    if any(key.startswith(f"{prefix}decoder.up_blocks.") for key in file.shapes):
        return {ours: prefix + _aged(ours, file, prefix) for ours in expected}
    return {ours: prefix + theirs.removeprefix(VAE) for ours, theirs in vae_names(expected, blocks).items()}


def _aged(name: str, file: WeightFile, prefix: str) -> str:
    """The name that diffusers gave a projection of the attention in its first year, where the file has that."""
    for new, old in _OLD_ATTENTION.items():
        aged = name.replace(f".attentions.0.{new}.", f".attentions.0.{old}.")
        if aged != name and prefix + aged in file.shapes:
            return aged
    return name
