"""NovelAI, Draw Things and Easy Diffusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.generation import Generation, Resource, digest, merged, real, side, size, stem, text, whole
from gallery.imagemeta.loading import listed

_EASY: Final = ("prompt", "seed", "num_inference_steps", "guidance_scale", "negative_prompt", "sampler_name")


def read_novelai(comment: dict[str, Any], description: str = "", source: str = "") -> Generation | None:
    """Read the `Comment` object; `description` holds the prompt, `source` the model with its short hash."""
    if not {"steps", "sampler"} <= comment.keys() or not (description or "prompt" in comment):
        return None
    name, _space, hashed = source.rpartition(" ")
    sampler, schedule = split_sampler(text(comment.get("sampler"), 80), text(comment.get("noise_schedule"), 80))
    return Generation(
        tool="NovelAI",
        prompt=text(comment.get("prompt")) or text(description),
        negative=text(comment.get("uc")),
        seed=whole(comment.get("seed")),
        steps=whole(comment.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(comment.get("scale")),
        width=side(comment.get("width")),
        height=side(comment.get("height")),
        denoise=real(comment.get("strength")),
        resources=(Resource("checkpoint", name.strip() or source.strip(), None, digest(hashed)),)
        if source.strip()
        else (),
        extra=_characters(comment.get("v4_prompt")),
    )


def _characters(prompt: object) -> dict[str, str]:
    """The prompts of single persons in the picture, which version 4 keeps apart."""
    caption = prompt.get("caption") if isinstance(prompt, dict) else None
    entries = caption.get("char_captions") if isinstance(caption, dict) else None
    told: dict[str, str] = {}
    for number, entry in enumerate(entries[:20] if isinstance(entries, list) else [], 1):
        if isinstance(entry, dict) and (words := text(entry.get("char_caption"), 2000)):
            told[f"Character {number}"] = words
    return told


def read_drawthings(block: dict[str, Any]) -> Generation | None:
    """Read the JSON that Draw Things writes into XMP: `c` is the prompt, `uc` what is not wanted."""
    if "c" not in block or not block.keys() & {"sampler", "scale", "steps"}:
        return None
    width, height = size(block.get("size"))
    found = [Resource("checkpoint", stem(block.get("model")))]
    for lora in listed(block.get("lora") or block.get("loras")):
        if isinstance(lora, dict):
            found.append(Resource("lora", stem(lora.get("model") or lora.get("file")), real(lora.get("weight"))))
    sampler, schedule = split_sampler(text(block.get("sampler"), 80))
    details = block.get("v2")
    return Generation(
        tool="Draw Things",
        prompt=text(block.get("c")),
        negative=text(block.get("uc")),
        seed=whole(block.get("seed")),
        steps=whole(block.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(block.get("scale")),
        width=width,
        height=height,
        clip_skip=whole(details.get("clipSkip"), low=1, high=100) if isinstance(details, dict) else None,
        denoise=real(block.get("strength")),
        resources=merged([resource for resource in found if resource.name]),
    )


def read_easydiffusion(fields: Mapping[str, str]) -> Generation | None:
    """Read Easy Diffusion's text chunks, one a field."""
    if not {"prompt", "seed"} <= fields.keys() or not fields.keys() & set(_EASY[2:]):
        return None
    found = [
        Resource("checkpoint", stem(fields.get("use_stable_diffusion_model"))),
        Resource("vae", stem(fields.get("use_vae_model"))),
        Resource("hypernetwork", stem(fields.get("use_hypernetwork_model")), real(fields.get("hypernetwork_strength"))),
    ]
    alphas = listed(fields.get("lora_alpha", "").strip("[]"))
    for index, lora in enumerate(listed(fields.get("use_lora_model", "").strip("[]"))):
        name = stem(str(lora).strip("'\" "))
        found.append(Resource("lora", name, real(alphas[index]) if index < len(alphas) else None))
    sampler, schedule = split_sampler(fields.get("sampler_name", ""), fields.get("scheduler_name", ""))
    return Generation(
        tool="Easy Diffusion",
        prompt=text(fields["prompt"]),
        negative=text(fields.get("negative_prompt")),
        seed=whole(fields.get("seed")),
        steps=whole(fields.get("num_inference_steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(fields.get("guidance_scale")),
        width=side(fields.get("width")),
        height=side(fields.get("height")),
        clip_skip=2 if fields.get("clip_skip", "").lower() == "true" else None,
        denoise=real(fields.get("prompt_strength")),
        resources=merged([resource for resource in found if resource.name and resource.name != "None"]),
    )
