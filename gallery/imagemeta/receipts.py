"""The site's own receipts: one JSON object in a PNG text chunk `safelight`.

`{"safelight_receipt": 1, "request": {…}, "ingredients": [{role, name, sha256, weight}], "seed": "…", "environment":
{…}, "image_hash": "…"}`. The reading is tolerant: a receipt may come from another site of this kind, be older or newer
than this one, or be forged. It is a claim of the file like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.generation import MAX_RESOURCES, Generation, Resource, digest, merged, real, side, stem, whole
from gallery.imagemeta.generation import text as text_of

MARK: Final = "safelight_receipt"
_KINDS: Final = {
    "checkpoint": "checkpoint",
    "lora": "lora",
    "vae": "vae",
    "embedding": "embedding",
    "hypernet": "hypernetwork",
    "hypernetwork": "hypernetwork",
    "controlnet": "controlnet",
    "upscaler": "upscaler",
}
_ENVIRONMENT: Final = ("engine", "torch", "diffusers", "device", "dtype", "attention")


def read_receipt(block: dict[str, Any]) -> Generation | None:
    """Read the object; None if it is no receipt."""
    number = whole(block.get(MARK), low=1, high=1000)
    request = block.get("request")
    if number is None or not isinstance(request, dict):
        return None
    sampler, schedule = split_sampler(text_of(request.get("sampler"), 80), text_of(request.get("schedule_type"), 80))
    seed = whole(block.get("seed"))
    return Generation(
        tool="Safelight",
        prompt=text_of(request.get("prompt")),
        negative=text_of(request.get("negative")),
        seed=seed if seed is not None else whole(request.get("seed")),
        steps=whole(request.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(request.get("cfg_scale")),
        width=side(request.get("width")),
        height=side(request.get("height")),
        clip_skip=whole(request.get("clip_skip"), low=1, high=100),
        # Where the receipt says that nothing was painted over, the strength took no part.
        denoise=real(request.get("denoise")) if request.get("init", True) else None,
        resources=merged(_resources(block.get("ingredients"))),
        version=str(number),
        extra=_extra(block),
    )


def _resources(ingredients: object) -> list[Resource]:
    found = []
    for entry in ingredients[:MAX_RESOURCES] if isinstance(ingredients, list) else []:
        if not isinstance(entry, dict):
            continue
        kind = _KINDS.get(text_of(entry.get("role"), 40).lower())
        name, hashed = stem(entry.get("name")), digest(entry.get("sha256"))
        if kind and (name or hashed):
            found.append(Resource(kind, name, real(entry.get("weight")), hashed))
    return found


def _extra(block: Mapping[str, Any]) -> dict[str, str]:
    """What the picture was made on, and the hash of its pixels as the maker saw them."""
    environment = block.get("environment")
    told = environment if isinstance(environment, dict) else {}
    extra = {name.capitalize(): text_of(told.get(name), 200) for name in _ENVIRONMENT}
    extra["Memory"] = "economical" if told.get("economical") is True else ""
    extra["Image hash"] = digest(block.get("image_hash"))
    return {name: value for name, value in extra.items() if value}
