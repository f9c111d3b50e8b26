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
_PAIR: Final = re.compile(r"\s*([^:,]{1,200}):\s*([0-9A-Za-z]{1,64})\s*(?:,|\Z)")


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
    found = [
        Resource(
            "checkpoint",
            stem(fields.get("Model") or fields.get("Base model", "")),
            None,
            digest(fields.get("Model hash")),
        )
    ]
    found.append(Resource("vae", stem(fields.get("VAE", "")), None, digest(fields.get("VAE hash"))))
    for prompt in (infotext.prompt, infotext.negative):
        for network in extract_networks(prompt)[1]:
            kind = _KINDS.get(network.kind.lower())
            if kind:
                found.append(Resource(kind, stem(network.name), network.image_weight))
    found += [
        Resource("lora", stem(name), None, digest(value)) for name, value in _named(fields.get("Lora hashes", ""))
    ]
    found += [
        Resource("embedding", stem(name), None, digest(value)) for name, value in _named(fields.get("TI hashes", ""))
    ]
    found += _from_hashes(fields.get("Hashes", ""))
    found += _from_civitai(fields.get("Civitai resources", ""))
    return [resource for resource in found if resource.name or resource.hash]


def _named(pairs: str) -> list[tuple[str, str]]:
    return [(match[1].strip(), match[2]) for match in _PAIR.finditer(pairs)]


def _from_hashes(block: str) -> list[Resource]:
    hashes = load_object(block) or {}
    found = []
    for key, value in hashes.items():
        kind, _colon, name = key.partition(":")
        if kind.lower() in _KINDS and digest(value):
            found.append(Resource(_KINDS[kind.lower()], stem(name), None, digest(value)))
    # A checkpoint or VAE is named by its own field; here it has only its hash.
    return found


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
