"""Pictures of the families that follow a flow (SD 3, Flux), through diffusers' own pipelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import diffusers
from PIL import Image
from torch import nn

from inference.engine.economy import tiled
from inference.engine.latents import generator_for
from inference.engine.loading import Model
from inference.prompts.emphasis import parse_emphasis
from inference.prompts.networks import extract_networks
from inference.prompts.plan import RenderPlan

_SD3_TOKENS: Final = 256  # what diffusers' pipelines read when nothing else is said
_FLUX_TOKENS: Final = 512
_CLIP_TOKENS: Final = 77

Finished = TypeVar("Finished")


class Counting(Protocol):
    """Counts steps, and raises where the render is no longer wanted."""

    total: int

    def __call__(self) -> None: ...


def paint_all(
    plan: RenderPlan,
    model: Model,
    vae: nn.Module,
    steps: Counting,
    finish: Callable[[Image.Image, int, int], Finished],
    *,
    economical: bool = False,
) -> tuple[list[Finished], tuple[str, ...]]:
    """Every picture of a plan, and what was not applied."""
    pipeline, request = model.pipeline, plan.request
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = type(pipeline.scheduler).from_config(model.schedule)
    pipeline.vae = vae
    prompt, emphasized = _plain(request.prompt)
    more, notes = _guidance(pipeline, plan)
    if emphasized:
        notes += ("emphasis is not read by this family: the prompt was read as plain text",)
    if request.clip_skip > 1:
        notes += (f"clip skip {request.clip_skip} is not done for this family",)
    notes += _cut_notes(model, prompt)
    steps.total = request.steps * request.batch_count

    def on_step(_pipeline: Any, _step: int, _t: Any, kept: dict[str, Any]) -> dict[str, Any]:
        steps()
        return kept

    images = []
    for index in range(request.batch_count):
        with tiled(vae, request.width, request.height, economical=economical):
            result = pipeline(
                prompt=prompt,
                width=request.width,
                height=request.height,
                num_inference_steps=request.steps,
                generator=generator_for(request.seed + index),
                callback_on_step_end=on_step,
                **more,
            )
        images.append(finish(result.images[0].convert("RGB"), request.seed, index))
    return images, notes


def _guidance(pipeline: Any, plan: RenderPlan) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = plan.request
    if isinstance(pipeline, diffusers.StableDiffusion3Pipeline):
        return {"guidance_scale": request.cfg_scale, "negative_prompt": _plain(request.negative)[0]}, ()
    notes = ("a negative prompt is not read by this family",) if request.negative else ()
    return {"guidance_scale": request.cfg_scale}, notes


def _cut_notes(model: Model, prompt: str) -> tuple[str, ...]:
    """Whether the encoder that reads furthest leaves the end of a prompt out."""
    longest = max(model.tokenizers)  # T5 is the last encoder of both families, where it is there
    is_t5 = model.networks[longest].config.model_type == "t5"  # type: ignore[union-attr]
    most = (_SD3_TOKENS if model.family.id == "sd3" else _FLUX_TOKENS) if is_t5 else _CLIP_TOKENS
    found = len(model.tokenizers[longest](prompt, truncation=False, verbose=False).input_ids)
    return (f"the prompt has {found} tokens, and {most} of them were read",) if found > most else ()


def _plain(prompt: str) -> tuple[str, bool]:
    """The words without networks, brackets and breaks, and whether any was weighted."""
    parts = parse_emphasis(extract_networks(prompt)[0])
    text = "".join(" " if part.is_break else part.text for part in parts)
    return text, any(part.weight != 1.0 for part in parts)
