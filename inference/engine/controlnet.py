"""Load a ControlNet, make its picture ready, and ask it for what it adds to a step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import ControlNetModel
from PIL import Image, ImageOps
from torch import nn

from inference.engine.single_networks import Config, blank, fill, read_config
from inference.engine.weights import WeightFile, open_weights
from registry.demo.ldm_names import UNET, unet_names

ROLE: Final = "controlnet"
MAX_STAGES: Final = 8  # of the picture's own encoder; four in every known file
MAX_CHANNELS: Final = 4_096
_PREFIXES: Final = ("control_model.", "")
_HINT: Final = "controlnet_cond_embedding"
_EMBEDDINGS: Final = {"add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
# Marks of kinds that look alike and work otherwise.
_STRANGERS: Final = {"lora_controlnet": "Control-LoRA", "task_embedding": "ControlNet Union"}

Residuals = tuple[tuple[torch.Tensor, ...], torch.Tensor]


def load_controlnet(path: Path, config: Path | Config, dtype: torch.dtype, name: str = "") -> ControlNetModel:
    """The ControlNet of a file, in `dtype` on the CPU.

    `config` (or the folder that has it) is a ControlNet's or simply the U-Net's that it is to steer: the rest is read
    off the file. Names of the original layout or of diffusers'. Raises BadIngredient: `not_a_controlnet`,
    `unknown_variant`, or what is wrong with which tensor.
    """
    with open_weights(path, ROLE, name or path.name) as file:
        for mark, variant in _STRANGERS.items():
            if mark in file.shapes:
                file.refuse("unknown_variant", variant=variant)
        prefix = _original_prefix(file)
        settings = _settings(read_config(config), file, prefix)
        network = blank(ControlNetModel, settings)
        expected = list(network.state_dict())
        names = {key: key for key in expected}
        if prefix is not None:
            names = {ours: prefix + _original(ours, settings) for ours in expected}
        loaded: ControlNetModel = fill(network, file, names, dtype)
    return loaded


def _original_prefix(file: WeightFile) -> str | None:
    """What stands before the names of the original layout; None for diffusers' layout."""
    if f"{_HINT}.conv_in.weight" in file.shapes:
        return None
    found = [prefix for prefix in _PREFIXES if f"{prefix}input_hint_block.0.weight" in file.shapes]
    if not found:
        file.refuse("not_a_controlnet")
    return found[0]


def _settings(config: dict[str, Any], file: WeightFile, prefix: str | None) -> dict[str, Any]:
    """A ControlNet's configuration, the shape of its picture's encoder and its latents as the file has them."""
    known = inspect.signature(ControlNetModel.__init__).parameters
    settings = {key: value for key, value in config.items() if key in known}
    first = f"{_HINT}.conv_in.weight" if prefix is None else f"{prefix}input_hint_block.0.weight"
    latents = "conv_in.weight" if prefix is None else f"{prefix}input_blocks.0.0.weight"
    channels = [_sides(file, first)[0]]
    for stage in range(1, 2 * MAX_STAGES, 2):
        key = f"{_HINT}.blocks.{stage}.weight" if prefix is None else f"{prefix}input_hint_block.{2 * stage + 2}.weight"
        if key not in file.shapes or len(file.shapes[key]) != 4:
            break
        channels.append(_sides(file, key)[0])
    settings["conditioning_embedding_out_channels"] = tuple(channels)
    settings["conditioning_channels"] = _sides(file, first)[1]
    settings["in_channels"] = _sides(file, latents)[1]
    return settings


def _sides(file: WeightFile, key: str) -> tuple[int, int]:
    """Output and input channels of a convolution in the file."""
    shape = file.shapes.get(key, ())
    if len(shape) != 4 or not 0 < shape[0] <= MAX_CHANNELS or not 0 < shape[1] <= MAX_CHANNELS:
        file.refuse("wrong_shape", key=key[:200], shape=list(shape))
    return shape[0], shape[1]


def _original(name: str, settings: Mapping[str, Any]) -> str:
    """The original layout's name of one of diffusers' tensors."""
    stem, _, leaf = name.rpartition(".")
    head, _, rest = stem.partition(".")
    if head == "controlnet_down_blocks":
        return f"zero_convs.{rest}.0.{leaf}"
    if head == "controlnet_mid_block":
        return f"middle_block_out.0.{leaf}"
    if head == _HINT:
        stages = 2 * (len(settings["conditioning_embedding_out_channels"]) - 1)
        places = {"conv_in": 0, "conv_out": 2 * stages + 2}
        place = places[rest] if rest in places else 2 * int(rest.removeprefix("blocks.")) + 2
        return f"input_hint_block.{place}.{leaf}"
    if stem in _EMBEDDINGS:
        return f"{_EMBEDDINGS[stem]}.{leaf}"
    return unet_names([name], settings["layers_per_block"])[name].removeprefix(UNET)


def prepare_control(picture: Image.Image, width: int, height: int) -> torch.Tensor:
    """The picture as (1, 3, height, width), float32 from 0 to 1: fitted with its proportions kept, cut at the sides.

    What is transparent becomes black, which to every kind of control means nothing; 16-bit depths keep their range.
    """
    fitted = ImageOps.fit(_rgb(picture), (width, height), Image.Resampling.LANCZOS)
    numbers = np.asarray(fitted, dtype=np.float32) / 255
    return torch.from_numpy(numbers).permute(2, 0, 1)[None].contiguous()


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        depths = np.clip(np.asarray(picture, dtype=np.float32) / 257, 0, 255)
        return Image.fromarray(depths.round().astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def control_residuals(
    controlnet: nn.Module,
    latents: torch.Tensor,
    timestep: torch.Tensor | float,
    states: torch.Tensor,
    image: torch.Tensor,
    weight: float,
    added: Mapping[str, torch.Tensor] | None = None,
) -> Residuals:
    """What the ControlNet adds at one step: for the U-Net's `down_block_additional_residuals` and its `mid_block_…`.

    `latents` are scaled as for the U-Net, `image` is `prepare_control`'s (repeated for a batch), `added` is SDXL's
    `added_cond_kwargs`.
    """
    down, middle = controlnet(
        latents,
        timestep,
        encoder_hidden_states=states,
        controlnet_cond=image.to(latents.device, latents.dtype).expand(len(latents), -1, -1, -1),
        conditioning_scale=weight,
        added_cond_kwargs=dict(added) if added is not None else None,
        return_dict=False,
    )
    return tuple(down), middle
