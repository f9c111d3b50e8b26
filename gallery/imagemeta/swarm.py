"""SwarmUI: JSON with `sui_image_params`, and `sui_models` with full hashes (its "Image Metadata Format" page)."""

from __future__ import annotations

from typing import Any

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.generation import Generation, Resource, digest, merged, real, side, stem, text, whole
from gallery.imagemeta.loading import listed
from inference.prompts.networks import extract_networks

_KINDS = {
    "model": "checkpoint",
    "loras": "lora",
    "vae": "vae",
    "refinermodel": "checkpoint",
    "controlnetmodel": "controlnet",
}


def read_swarm(block: dict[str, Any]) -> Generation | None:
    """Read the object; None if it is not SwarmUI's."""
    raw = block.get("sui_image_params")
    if not isinstance(raw, dict):
        return None
    params = {str(key).lower().replace("_", "").replace(" ", ""): value for key, value in raw.items()}
    sampler, schedule = split_sampler(text(params.get("sampler"), 80), text(params.get("scheduler"), 80))
    return Generation(
        tool="SwarmUI",
        prompt=text(params.get("prompt")),
        negative=text(params.get("negativeprompt")),
        seed=whole(params.get("seed")),
        steps=whole(params.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(params.get("cfgscale")),
        width=side(params.get("width")),
        height=side(params.get("height")),
        clip_skip=_clip_skip(params.get("clipstopatlayer")),
        denoise=real(params.get("initimagecreativity")),
        resources=merged(_resources(params, block.get("sui_models"))),
        version=text(params.get("swarmversion"), 100),
    )


def _clip_skip(value: object) -> int | None:
    """SwarmUI counts layers from the end as negative numbers: -2 is clip skip 2."""
    number = whole(value, low=-100, high=-1)
    return -number if number is not None else None


def _resources(params: dict[str, Any], models: object) -> list[Resource]:
    found = []
    if name := stem(params.get("model")):
        found.append(Resource("checkpoint", name))
    if (name := stem(params.get("vae"))) and name.lower() not in ("automatic", "none"):
        found.append(Resource("vae", name))
    weights = listed(params.get("loraweights"))
    for index, lora in enumerate(listed(params.get("loras"))):
        found.append(Resource("lora", stem(lora), real(weights[index]) if index < len(weights) else 1.0))
    for network in extract_networks(text(params.get("prompt")))[1]:
        if network.kind.lower() == "lora":
            found.append(Resource("lora", stem(network.name), network.image_weight))
    for entry in listed(models):
        if isinstance(entry, dict):
            kind = _KINDS.get(text(entry.get("param"), 40).lower().replace("_", ""))
            if kind and stem(entry.get("name")):
                found.append(Resource(kind, stem(entry.get("name")), None, digest(entry.get("hash"))))
    return [resource for resource in found if resource.name]
