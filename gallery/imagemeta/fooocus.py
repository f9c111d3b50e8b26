"""Fooocus (its own scheme) and RuinedFooocus: JSON under `parameters`."""

from __future__ import annotations

import re
from typing import Any, Final

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.generation import Generation, Resource, digest, merged, real, side, size, stem, text, whole

_ITEM: Final = re.compile(r"""'((?:[^'\\]++|\\.)*+)'|"((?:[^"\\]++|\\.)*+)\"""", re.DOTALL)


def read_fooocus(block: dict[str, Any], scheme: str = "") -> Generation | None:
    """Read the object; None if it is neither tool's."""
    if block.get("software") == "RuinedFooocus":
        return _ruined(block)
    if scheme != "fooocus" and not (("base_model" in block or "base_model_hash" in block) and "prompt" in block):
        return None
    width, height = size(block.get("resolution"))
    sampler, schedule = split_sampler(text(block.get("sampler"), 80), text(block.get("scheduler"), 80))
    return Generation(
        tool="Fooocus",
        prompt=text(block.get("prompt")),
        negative=text(block.get("negative_prompt")),
        seed=whole(block.get("seed")),
        steps=whole(block.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(block.get("guidance_scale")),
        width=width,
        height=height,
        clip_skip=whole(block.get("clip_skip"), low=1, high=100),
        resources=merged(_resources(block)),
        version=text(block.get("version"), 100),
        extra={"Styles": ", ".join(_styles(block.get("styles")))} if _styles(block.get("styles")) else {},
    )


def _styles(value: object) -> list[str]:
    """A list of names, which Fooocus writes as the text of a Python list."""
    if isinstance(value, str):
        if not value.startswith("["):
            return [text(value, 200)] if value.strip() else []
        value = [re.sub(r"\\(.)", r"\1", match[1] or match[2] or "") for match in _ITEM.finditer(value[:20_000])]
    return [text(item, 200) for item in value[:100] if text(item, 200)] if isinstance(value, list) else []


def _resources(block: dict[str, Any]) -> list[Resource]:
    found = [Resource("checkpoint", stem(block.get("base_model")), None, digest(block.get("base_model_hash")))]
    if (refiner := stem(block.get("refiner_model"))) and refiner != "None":
        found.append(Resource("checkpoint", refiner, None, digest(block.get("refiner_model_hash"))))
    loras = block.get("loras")
    for entry in loras[:200] if isinstance(loras, list) else []:
        if isinstance(entry, list) and len(entry) >= 2:
            found.append(Resource("lora", stem(entry[0]), real(entry[1]), digest(entry[2]) if len(entry) > 2 else ""))
    if (vae := stem(block.get("vae"))) and not vae.startswith("Default"):
        found.append(Resource("vae", vae))
    return [resource for resource in found if resource.name]


def _ruined(block: dict[str, Any]) -> Generation:
    sampler, schedule = split_sampler(text(block.get("sampler_name"), 80), text(block.get("scheduler"), 80))
    found = [Resource("checkpoint", stem(block.get("base_model_name")), None, digest(block.get("base_model_hash")))]
    loras = block.get("loras")
    for entry in loras[:200] if isinstance(loras, list) else []:
        if isinstance(entry, dict):
            found.append(
                Resource("lora", stem(entry.get("name")), real(entry.get("weight")), digest(entry.get("hash")))
            )
        elif isinstance(entry, list) and len(entry) >= 2:
            found.append(Resource("lora", stem(entry[0]), real(entry[1])))
    return Generation(
        tool="RuinedFooocus",
        prompt=text(block.get("Prompt") or block.get("prompt")),
        negative=text(block.get("Negative") or block.get("negative")),
        seed=whole(block.get("seed")),
        steps=whole(block.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(block.get("cfg")),
        width=side(block.get("width")),
        height=side(block.get("height")),
        clip_skip=whole(block.get("clip_skip"), low=1, high=100),
        denoise=real(block.get("denoise")),
        resources=merged([resource for resource in found if resource.name]),
    )
