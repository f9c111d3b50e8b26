"""The networks of Safelight Tiny: new ones, saved ones, and what all of them need around them.

Their shapes stand in `inference/engine/architectures/tiny`, from where the engine takes them too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from inference.training.recipe import LAYOUT


def shape_of(part: str) -> dict[str, Any]:
    """The configuration of `unet`, `vae` or `text_encoder`."""
    shape: dict[str, Any] = json.loads((LAYOUT / part / "config.json").read_text())
    return shape


def new_vae() -> AutoencoderKL:
    """An untrained autoencoder: 64 x 64 x 3 to 16 x 16 x 4."""
    return AutoencoderKL.from_config(shape_of("vae"))


def new_unet() -> UNet2DConditionModel:
    """An untrained U-Net."""
    return UNet2DConditionModel.from_config(shape_of("unet"))


def new_text() -> CLIPTextModel:
    """An untrained text encoder."""
    return CLIPTextModel(CLIPTextConfig(**shape_of("text_encoder")))


def read_tokenizer(folder: Path | None = None) -> CLIPTokenizer:
    """That of a folder, or the one that the engine ships."""
    return CLIPTokenizer.from_pretrained(folder or LAYOUT / "tokenizer")


def noise_schedule() -> DDPMScheduler:
    """How noise is added: Stable Diffusion's own schedule, the velocity predicted."""
    return DDPMScheduler.from_pretrained(LAYOUT / "scheduler")


def read_checkpoint(path: Path) -> Any:  # the parts of a pipeline have no types of their own
    """The whole `StableDiffusionPipeline` of a single file, in single precision."""
    pipeline = StableDiffusionPipeline.from_single_file(
        path, config=str(LAYOUT), local_files_only=True, torch_dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def freeze(*networks: nn.Module) -> None:
    """Nothing of these is trained."""
    for network in networks:
        network.eval().requires_grad_(False)


@torch.no_grad()
def encode_pictures(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Pictures (number, 3, side, side) as latents, scaled as the U-Net sees them."""
    device = next(vae.parameters()).device
    parts = [vae.encode(part.to(device)).latent_dist.mean for part in pictures.split(64)]
    return torch.cat(parts) * vae.config.scaling_factor


def token_ids(tokenizer: CLIPTokenizer, texts: list[str], device: torch.device) -> Tensor:
    """Texts as numbers (number, 77)."""
    ids: Tensor = tokenizer(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    return ids.to(device)


class Diffusion:
    """The loss of predicting the velocity of noised latents; noise levels that teach little weigh less.

    The weights are those of min-SNR-5 (Hang et al., 2023) for a predicted velocity, with a mean of 1.
    """

    def __init__(self, unet: nn.Module, device: torch.device) -> None:
        self._unet, self._device, self._schedule = unet, device, noise_schedule()
        kept = self._schedule.alphas_cumprod
        ratio = kept / (1 - kept)
        weights = ratio.clamp(max=5.0) / (ratio + 1)
        self._weights = (weights / weights.mean()).to(device)

    def loss(self, latents: Tensor, states: Tensor, times: npt.NDArray[Any]) -> Tensor:
        """The mean over a batch of latents under the text's states, at times from 0 to 999."""
        time = torch.from_numpy(times).to(self._device)
        noise = torch.randn_like(latents)
        velocity = self._unet(self._schedule.add_noise(latents, noise, time), time, states).sample
        wanted = self._schedule.get_velocity(latents, noise, time)
        each = (velocity.float() - wanted).square().mean((1, 2, 3))
        return (each * self._weights[time]).mean()
