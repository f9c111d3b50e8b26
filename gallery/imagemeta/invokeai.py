"""InvokeAI: `invokeai_metadata` JSON, and the older `sd-metadata` and `Dream` forms."""

from __future__ import annotations

import re
from typing import Any, Final

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.generation import Generation, Resource, digest, merged, real, side, stem, text, whole

_OPTION: Final = re.compile(r"(?:^|\s)-(s|S|W|H|C|A|f)\s{0,4}([\w.+]{1,40})")


def read_invokeai(block: dict[str, Any]) -> Generation | None:
    """Read the present form; None if the object is not InvokeAI's."""
    if not block.keys() & {"positive_prompt", "app_version", "generation_mode"}:
        return None
    sampler, schedule = _scheduler(text(block.get("scheduler"), 80))
    return Generation(
        tool="InvokeAI",
        prompt=text(block.get("positive_prompt")),
        negative=text(block.get("negative_prompt")),
        seed=whole(block.get("seed")),
        steps=whole(block.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(block.get("cfg_scale")),
        width=side(block.get("width")),
        height=side(block.get("height")),
        clip_skip=_clip_skip(block.get("clip_skip")),
        denoise=real(block.get("strength")),
        resources=merged(_resources(block)),
        version=text(block.get("app_version"), 100),
    )


def _scheduler(name: str) -> tuple[str, str]:
    """InvokeAI marks Karras schedules by an ending: `dpmpp_2m_k`."""
    if name.endswith("_k"):
        return split_sampler(name[:-2], "Karras")
    return split_sampler(name)


def _clip_skip(value: object) -> int | None:
    """InvokeAI counts the layers left out: 0 is clip skip 1."""
    skipped = whole(value, high=100)
    return skipped + 1 if skipped is not None else None


def _model(value: object) -> tuple[str, str]:
    """Name and hash of a model, which is an object or, in older files, a name."""
    if not isinstance(value, dict):
        return stem(value), ""
    hashed = text(value.get("hash"), 200)
    return stem(value.get("name") or value.get("model_name")), digest(hashed.rsplit(":", 1)[-1])


def _resources(block: dict[str, Any]) -> list[Resource]:
    found = []
    for key, kind in (("model", "checkpoint"), ("vae", "vae"), ("refiner_model", "checkpoint")):
        name, hashed = _model(block.get(key))
        found.append(Resource(kind, name, None, hashed))
    for key, kind, inner in (("loras", "lora", "model"), ("controlnets", "controlnet", "control_model")):
        entries = block.get(key)
        for entry in entries[:200] if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                name, hashed = _model(entry.get(inner) or entry.get("lora"))
                weight = real(entry.get("weight") if "weight" in entry else entry.get("control_weight"))
                found.append(Resource(kind, name, weight, hashed))
    return [resource for resource in found if resource.name]


def read_old_invokeai(block: dict[str, Any]) -> Generation | None:
    """Read `sd-metadata` of InvokeAI 2."""
    image = block.get("image")
    if not isinstance(image, dict):
        return None
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        parts = [text(part.get("prompt")) for part in prompt[:100] if isinstance(part, dict)]
        prompt = " ".join(part for part in parts if part)
    positive, negative = _split_negative(text(prompt))
    sampler, schedule = split_sampler(text(image.get("sampler"), 80))
    return Generation(
        tool="InvokeAI",
        prompt=positive,
        negative=negative,
        seed=whole(image.get("seed")),
        steps=whole(image.get("steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(image.get("cfg_scale")),
        width=side(image.get("width")),
        height=side(image.get("height")),
        resources=merged(
            [Resource("checkpoint", stem(block.get("model_weights")), None, digest(block.get("model_hash")))]
            if stem(block.get("model_weights"))
            else []
        ),
        version=text(block.get("app_version"), 100),
    )


def _split_negative(prompt: str) -> tuple[str, str]:
    """InvokeAI 2 wrote what it did not want in square brackets inside the prompt."""
    negatives = re.findall(r"\[([^\[\]]*)\]", prompt)
    return re.sub(r"\[[^\[\]]*\]", "", prompt).strip(), ", ".join(part.strip() for part in negatives if part.strip())


def read_dream(block: str) -> Generation | None:
    """Read the oldest form, a command line: `"a prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`."""
    match = re.match(r'\s*"((?:[^"\\]++|\\.)*+)"(.*)', block[:200_000], re.DOTALL)
    if match is None:
        return None
    options = dict(_OPTION.findall(match[2]))
    if not options:
        return None
    positive, negative = _split_negative(match[1].replace('\\"', '"'))
    sampler, schedule = split_sampler(options.get("A", ""))
    return Generation(
        tool="InvokeAI",
        prompt=text(positive),
        negative=text(negative),
        seed=whole(options.get("S")),
        steps=whole(options.get("s"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(options.get("C")),
        width=side(options.get("W")),
        height=side(options.get("H")),
        denoise=real(options.get("f")),
    )
