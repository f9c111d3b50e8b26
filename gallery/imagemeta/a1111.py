"""The dialect of AUTOMATIC1111's web UI, Forge, reForge and SD.Next, which Fooocus and others can write as well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gallery.imagemeta.generation import Generation, Resource, digest, merged, real, size, stem, text, whole
from gallery.imagemeta.loading import load_json, load_object
from inference.prompts.infotext import Infotext, read_infotext
from inference.prompts.networks import extract_networks
from inference.prompts.samplers import find_sampler

_KINDS: Final = {
    "lora": "lora",
    "lyco": "lora",
    "locon": "lora",
    "hypernet": "hypernetwork",
    "embed": "embedding",
    "ti": "embedding",
    "textualinversion": "embedding",
    "model": "checkpoint",
    "checkpoint": "checkpoint",
    "vae": "vae",
    "hypernetwork": "hypernetwork",
    "upscaler": "upscaler",
    "controlnet": "controlnet",
    "dora": "lora",
}
_USED: Final = frozenset(
    "Steps|Sampler|Schedule type|Schedule|CFG scale|Seed|Size|Model|Model hash|VAE|VAE hash|Clip skip|Version|App|"
    "Denoising strength|Lora hashes|TI hashes|Hashes|Civitai resources|Lora weights|Base model".split("|")
)


def read_a1111(block: str) -> Generation | None:
    """Read a parameters text; None if it holds no parameters. Raises ValueError when it is too long."""
    infotext = read_infotext(block)
    if not infotext.fields and not infotext.negative:
        return None
    fields = infotext.fields
    width, height = size(fields.get("Size", ""))
    sampler, schedule = split_sampler(
        fields.get("Sampler", ""), fields.get("Schedule type") or fields.get("Schedule", "")
    )
    return Generation(
        tool=_tool(fields),
        prompt=text(infotext.prompt),
        negative=text(infotext.negative),
        seed=whole(fields.get("Seed")),
        steps=whole(fields.get("Steps"), high=100_000),
        sampler=sampler,
        schedule=schedule,
        cfg_scale=real(fields.get("CFG scale")),
        width=width,
        height=height,
        clip_skip=whole(fields.get("Clip skip"), low=1, high=100),
        denoise=real(fields.get("Denoising strength")),
        resources=merged(_resources(infotext)),
        version=text(fields.get("Version", ""), 100),
        extra={text(key, 80): text(value, 2000) for key, value in fields.items() if key not in _USED},
    )


def split_sampler(name: str, schedule: str = "") -> tuple[str, str]:
    """Sampler and schedule under this site's names; unknown ones stay as they are written."""
    try:
        sampler, found = find_sampler(name, schedule)
    except KeyError:
        return text(name, 80), text(schedule, 80)
    return sampler.name, "" if found.name == "Automatic" and not schedule else found.name


def _tool(fields: Mapping[str, str]) -> str:
    version = fields.get("Version", "")
    if fields.get("App", "").startswith("SD.Next"):
        return "SD.Next"
    if version.startswith("Fooocus"):
        return "Fooocus"
    if version.startswith("ComfyUI"):
        return "ComfyUI"
    return "Forge" if re.match(r"(f\d|neo|forge)", version) else "A1111"


def _resources(infotext: Infotext) -> list[Resource]:
    """Everything the prompt's tags and the fields name; the same model named twice is told once by `merged`."""
    fields = infotext.fields
    hashes = load_object(fields.get("Hashes", "")) or {}
    found = [
        _main("checkpoint", fields.get("Model") or fields.get("Base model", ""), fields.get("Model hash"), hashes),
        _main("vae", fields.get("VAE", ""), fields.get("VAE hash"), hashes),
        Resource(
            "hypernetwork",
            stem(fields.get("Hypernet", "")),
            real(fields.get("Hypernet strength")),
            digest(fields.get("Hypernet hash")),
        ),
    ]
    for prompt in (infotext.prompt, infotext.negative):
        for network in extract_networks(prompt)[1]:
            kind = _KINDS.get(network.kind.lower())
            if kind:
                found.append(Resource(kind, stem(network.name), network.image_weight))
    weights = dict(_named(fields.get("Lora weights", "")))
    for name, value in _named(fields.get("Lora hashes", "")):
        found.append(Resource("lora", stem(name), real(weights.get(name)), digest(value)))
    for name, value in _named(fields.get("TI hashes", "")):
        found.append(Resource("embedding", stem(name), None, digest(value)))
    found += _from_hashes(hashes) + _from_civitai(fields.get("Civitai resources", "")) + _from_extensions(fields)
    return [resource for resource in found if resource.name or resource.hash]


def _main(kind: str, name: str, hashed: str | None, hashes: Mapping[str, object]) -> Resource:
    """The one checkpoint or VAE: named by its own field, its hash perhaps only in `Hashes`, which says it longer."""
    listed_as = "model" if kind == "checkpoint" else kind
    return Resource(kind, stem(name), None, max(digest(hashes.get(listed_as)), digest(hashed), key=len))


def _named(pairs: str) -> list[tuple[str, str]]:
    """Pairs of `name: value`, parted by commas. A name may hold a colon, a value never does."""
    parts = [part.rpartition(":") for part in pairs[:100_000].split(",")[:1000]]
    return [(name.strip(), value.strip()) for name, _colon, value in parts if name.strip()]


def _from_hashes(hashes: Mapping[str, object]) -> list[Resource]:
    """What `Hashes` names with its kind: `lora:name`, `embed:name`."""
    found = []
    for key, value in list(hashes.items())[:1000]:
        kind, _colon, name = key.partition(":")
        if name and kind.lower() in _KINDS and digest(value):
            found.append(Resource(_KINDS[kind.lower()], stem(name), None, digest(value)))
    return found


def _from_extensions(fields: Mapping[str, str]) -> list[Resource]:
    """Models that fields of extensions name: `ControlNet 0`, `Refiner`, `Hires upscaler`; hashes in brackets."""
    found = []
    for key, value in fields.items():
        if key.startswith("ControlNet ") and (model := re.search(r"(?:^|, )Model: ([^,]{1,200})", value)):
            weight = re.search(r", Weight: ([\d.]{1,10})", value)
            found.append(_bracketed("controlnet", model[1], real(weight[1]) if weight else None))
    found.append(_bracketed("checkpoint", fields.get("Refiner", ""), None))
    upscaler = fields.get("Hires upscaler", "")
    if upscaler and not upscaler.startswith(("Latent", "Nearest", "Lanczos", "None")):
        found.append(Resource("upscaler", stem(upscaler)))
    return [resource for resource in found if resource.name and resource.name != "None"]


def _bracketed(kind: str, written: str, weight: float | None) -> Resource:
    """`name [1a2b3c4d]`."""
    name, _open, hashed = written.strip().rpartition(" [")
    return Resource(kind, stem(name or hashed), weight, digest(hashed.rstrip("]")) if name else "")


def _from_civitai(block: str) -> list[Resource]:
    """Entries that carry a name; one that has only a foreign id says nothing that could be looked up here."""
    entries = load_json(block)
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and (name := stem(entry.get("modelName"))):
            kind = _KINDS.get(text(entry.get("type"), 40).lower(), "")
            if kind:
                found.append(Resource(kind, name, real(entry.get("weight")), digest(entry.get("hash"))))
    return found
