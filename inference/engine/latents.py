"""Between pixels and latents: noise from seeds, the VAE both ways, and pictures as tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from inference.engine.economy import tiled
from inference.engine.errors import BadIngredient
from inference.engine.families import Family
from inference.prompts.request import Variation


def generator_for(seed: int) -> torch.Generator:
    """Noise of the CPU's generator, the same on every device."""
    return torch.Generator("cpu").manual_seed(seed)


def latent_shape(vae: nn.Module, family: Family, width: int, height: int) -> tuple[int, int, int, int]:
    channels = int(_config(vae).latent_channels)
    return (1, channels, height // family.pixels, width // family.pixels)


def noise_for(
    shape: tuple[int, ...], generator: torch.Generator, variation: Variation | None, like: torch.Tensor
) -> torch.Tensor:
    """The noise of a seed, or what lies between it and the variation's, on a sphere."""
    noise = torch.randn(shape, generator=generator)
    if variation is not None and variation.strength > 0:
        other = torch.randn(shape, generator=generator_for(variation.seed))
        noise = _between(noise, other, variation.strength)
    placed: torch.Tensor = noise.to(like)
    return placed


def _between(first: torch.Tensor, second: torch.Tensor, share: float) -> torch.Tensor:
    """Spherical interpolation, for the mean of two noises is weaker than either."""
    a, b = first.double().reshape(-1), second.double().reshape(-1)
    cosine = float(torch.clamp(torch.dot(a, b) / (a.norm() * b.norm()), -1.0, 1.0))
    angle = math.acos(cosine)
    if math.sin(angle) < 1e-6:
        return torch.lerp(first, second, share)
    left, right = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    return (left * a + right * b).reshape(first.shape).float()


def as_tensor(picture: Image.Image, like: torch.Tensor) -> torch.Tensor:
    """An RGB picture as numbers from -1 to 1, (1, 3, height, width)."""
    pixels = torch.from_numpy(np.asarray(picture.convert("RGB"), dtype=np.float32))
    scaled: torch.Tensor = (pixels.permute(2, 0, 1)[None] / 127.5 - 1.0).to(like)
    return scaled


def as_picture(pixels: torch.Tensor) -> Image.Image:
    """The picture of numbers from -1 to 1. Raises BadIngredient where one is none."""
    if not bool(torch.isfinite(pixels).all()):
        raise BadIngredient("not_finite_picture", "checkpoint")
    values = (pixels[0].float() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray((values * 255).round().astype(np.uint8))


def encode(vae: nn.Module, picture: Image.Image, like: torch.Tensor, *, economical: bool = False) -> torch.Tensor:
    """The latents of a picture: the middle of what the VAE thinks likely, so that no noise is drawn for it."""
    pixels = as_tensor(picture, next(vae.parameters()))
    config = _config(vae)
    with tiled(vae, picture.width, picture.height, economical=economical):
        latents: torch.Tensor = vae.encode(pixels).latent_dist.mode()  # type: ignore[operator]
    shift, scale = float(config.shift_factor or 0.0), float(config.scaling_factor)
    return ((latents - shift) * scale).to(like)


def decode(vae: nn.Module, latents: torch.Tensor, size: tuple[int, int], *, economical: bool = False) -> Image.Image:
    """The picture of latents, `size` wide and high. What overflows in half precision is done again in full."""
    with tiled(vae, *size, economical=economical):
        decoded = _decoded(vae, latents)
        dtype = next(vae.parameters()).dtype
        if dtype != torch.float32 and not bool(torch.isfinite(decoded).all()):
            vae.float()
            try:
                decoded = _decoded(vae, latents)
            finally:
                vae.to(dtype)
    return as_picture(decoded)


def _decoded(vae: nn.Module, latents: torch.Tensor) -> torch.Tensor:
    config = _config(vae)
    wanted = latents.to(next(vae.parameters()).dtype) / config.scaling_factor + (config.shift_factor or 0.0)
    decoded: torch.Tensor = vae.decode(wanted, return_dict=False)[0]  # type: ignore[operator]
    return decoded


def _config(vae: nn.Module) -> Any:
    return vae.config
