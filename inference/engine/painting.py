"""One picture of a U-Net family: from text, over another picture, within a mask, and a second time, larger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import nn

from inference.engine.controlnet import prepare_control
from inference.engine.denoise import TOGETHER, Canvas, Control, Guide, walk_through
from inference.engine.encode import Reader
from inference.engine.families import Family
from inference.engine.latents import as_tensor, decode, encode, generator_for, latent_shape, noise_for
from inference.engine.loading import Model
from inference.engine.schedulers import Walk, make_walk
from inference.engine.scripts import Script
from inference.prompts.request import Hires, RenderRequest


@dataclass(eq=False)
class Setting:
    """All that a picture of the request is made with, and what is the same for each of a batch."""

    request: RenderRequest
    model: Model
    vae: nn.Module
    reader: Reader
    script: Script
    init: Image.Image | None = None
    mask: Image.Image | None = None
    control: Control | None = None
    control_picture: Image.Image | None = None
    economical: bool = False  # with less memory, and more time

    @property
    def family(self) -> Family:
        return self.model.family

    @property
    def like(self) -> torch.Tensor:
        """A tensor of the device and number format that latents have."""
        return next(self.model.denoiser.parameters())


def second_size(request: RenderRequest, hires: Hires, family: Family) -> tuple[int, int]:
    """Width and height of the second pass, which the family's step divides."""
    step = family.side_step
    return tuple(max(step, round(side * hires.scale / step) * step) for side in (request.width, request.height))  # type: ignore[return-value]


def walks_for(setting: Setting, seed: int) -> list[Walk]:
    """The walk of each pass of one picture: schedulers remember, so each picture has its own."""
    request = setting.request
    strength = request.denoise if request.init is not None else 1.0
    walks = [_walk(setting, request.steps, seed, strength)]
    if request.hires is not None:
        walks.append(_walk(setting, request.hires.steps or request.steps, seed, request.hires.denoise))
    return walks


def _walk(setting: Setting, steps: int, seed: int, strength: float) -> Walk:
    request = setting.request
    return make_walk(
        request.sampler,
        request.schedule_type,
        setting.model.schedule,
        steps=steps,
        seed=seed,
        device=setting.model.target.device,
        strength=strength,
    )


def paint(setting: Setting, seed: int, walks: list[Walk], on_call: Callable[[], None]) -> Image.Image:
    """The picture of one seed."""
    request = setting.request
    size = (request.width, request.height)
    generator = generator_for(seed)
    latents = _first_pass(setting, walks[0], size, generator, on_call)
    if request.hires is not None:
        size = second_size(request, request.hires, setting.family)
        latents = _second_pass(setting, walks[1], latents, size, seed, on_call)
    picture = _decoded(setting, latents, size)
    if setting.init is not None and setting.mask is not None:
        picture = Image.composite(picture, setting.init, setting.mask)  # what the mask leaves alone stays, to the bit
    return picture


def _first_pass(
    setting: Setting, walk: Walk, size: tuple[int, int], generator: torch.Generator, on_call: Callable[[], None]
) -> torch.Tensor:
    like = setting.like
    shape = latent_shape(setting.vae, setting.family, *size)
    noise = noise_for(shape, generator, setting.request.variation, like)
    guide = _guide(setting, size)
    canvas = None
    if setting.init is None:
        latents = noise * float(walk.scheduler.init_noise_sigma)
    else:
        known = _encoded(setting, setting.init, like)
        latents = _noised(walk, known, noise, full=setting.request.denoise >= 1.0)
        if setting.mask is not None and not setting.model.reads_mask:
            canvas = Canvas(known, _latent_mask(setting.mask, setting.family, like), noise)
    if setting.model.reads_mask:
        guide.beside = _beside(setting, size, like)
    return walk_through(walk, latents, guide, generator, on_call, canvas)


def _noised(walk: Walk, known: torch.Tensor, noise: torch.Tensor, *, full: bool) -> torch.Tensor:
    """A picture's latents with the noise of the first timestep that is left. Without any, they stay as they are."""
    if not len(walk.timesteps):
        return known
    if full:
        return noise * float(walk.scheduler.init_noise_sigma)
    noised: torch.Tensor = walk.scheduler.add_noise(known, noise, walk.timesteps[:1])
    return noised


def _second_pass(
    setting: Setting, walk: Walk, latents: torch.Tensor, size: tuple[int, int], seed: int, on_call: Callable[[], None]
) -> torch.Tensor:
    request = setting.request
    assert request.hires is not None  # noqa: S101 - only called with one
    shape = latent_shape(setting.vae, setting.family, *size)
    if request.hires.upscaler == "latent":
        known = nn.functional.interpolate(latents, shape[2:], mode="bilinear", antialias=False)
    else:
        small = _decoded(setting, latents, (request.width, request.height))
        known = _encoded(setting, small.resize(size, Image.Resampling.LANCZOS), setting.like)
    generator = generator_for(seed)
    noise = noise_for(shape, generator, request.variation, setting.like)
    guide = _guide(setting, size)
    if setting.model.reads_mask:
        guide.beside = _beside(setting, size, setting.like)
    start = _noised(walk, known, noise, full=request.hires.denoise >= 1.0)
    return walk_through(walk, start, guide, generator, on_call)


def _decoded(setting: Setting, latents: torch.Tensor, size: tuple[int, int]) -> Image.Image:
    return decode(setting.vae, latents, size, economical=setting.economical)


def _encoded(setting: Setting, picture: Image.Image, like: torch.Tensor) -> torch.Tensor:
    return encode(setting.vae, picture, like, economical=setting.economical)


def _guide(setting: Setting, size: tuple[int, int]) -> Guide:
    width, height = size
    request = setting.request
    guide = Guide(setting.model.denoiser, setting.reader, setting.script, request.cfg_scale, (height, width))
    guide.steps = request.steps  # the script is written for these, whatever a second pass takes
    guide.rescale = setting.model.guidance_rescale
    guide.together = 1 if setting.economical else TOGETHER
    if setting.control is not None and setting.control_picture is not None:
        picture = prepare_control(setting.control_picture, width, height)
        guide.control = replace(setting.control, picture=picture.to(setting.like))
    return guide


def _latent_mask(mask: Image.Image, family: Family, like: torch.Tensor) -> torch.Tensor:
    """The mask at the size of the latents. A latent is painted anew where any of its pixels is."""
    pixels = as_tensor(mask.convert("RGB"), like)[:, :1] / 2 + 0.5
    pooled: torch.Tensor = nn.functional.max_pool2d(pixels.float(), family.pixels).round()
    return pooled.to(like)


def _beside(setting: Setting, size: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """What an inpainting model reads beside the noise: mask, and the picture without what is masked.

    Without a mask all is painted anew, and the picture is gray.
    """
    gray: Any = Image.new("RGB", size, (128, 128, 128))
    mask = setting.mask if setting.mask is not None else Image.new("L", size, 255)
    seen = Image.composite(gray, setting.init or gray, mask.resize(size))
    return torch.cat([_latent_mask(mask.resize(size), setting.family, like), _encoded(setting, seen, like)], 1)
