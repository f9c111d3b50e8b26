"""The file of a rendered picture: its pixels, the field's parameters text, and the receipt without this site's ids.

The same pixels and the same plan give the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inference.prompts.infotext import Infotext, write_infotext
from inference.prompts.networks import Network, number_text
from inference.prompts.plan import RenderPlan
from inference.prompts.receipt import KEYWORD, canonical, without_ids
from inference.prompts.samplers import AUTOMATIC

PARAMETERS: Final = "parameters"
_COMPRESSION: Final = 6


def write_png(pixels: Image.Image, plan: RenderPlan, seed: int, receipt: Mapping[str, Any]) -> bytes:
    """The PNG of one picture, with its texts."""
    texts = PngInfo()
    parameters = parameters_of(plan, seed)
    if parameters.isascii():
        texts.add_text(PARAMETERS, parameters)
    else:  # the plain chunk holds Latin-1 alone, and readers guess at it
        texts.add_itxt(PARAMETERS, parameters)
    texts.add_itxt(KEYWORD, canonical(without_ids(receipt)))
    stream = io.BytesIO()
    pixels.save(stream, "PNG", pnginfo=texts, compress_level=_COMPRESSION)
    return stream.getvalue()


def parameters_of(plan: RenderPlan, seed: int) -> str:
    """The text that other tools read: prompts with the tags of their networks, settings, and hashes of the files."""
    return write_infotext(Infotext(_prompt(plan), plan.request.negative, _fields(plan, seed)))


def _prompt(plan: RenderPlan) -> str:
    request = plan.request
    tags = []
    for use in request.loras:
        text_weight = use.weight if use.clip_weight is None else use.clip_weight
        tags.append(Network("lora", plan.of("lora", use.version).name, text_weight, use.weight).written())
    for hypernet in request.hypernets:
        name = plan.of("hypernet", hypernet.version).name
        tags.append(Network("hypernet", name, hypernet.weight, hypernet.weight).written())
    return " ".join([request.prompt, *tags]).strip()


def _fields(plan: RenderPlan, seed: int) -> dict[str, str]:
    request, checkpoint = plan.request, plan.checkpoint
    fields = {
        "Steps": str(request.steps),
        "Sampler": request.sampler,
        "Schedule type": request.schedule_type if request.schedule_type != AUTOMATIC else "",
        "CFG scale": number_text(request.cfg_scale),
        "Seed": str(seed),
        "Size": f"{request.width}x{request.height}",
        "Model hash": checkpoint.autov2 or checkpoint.sha256[:10],
        "Model": checkpoint.name,
        "Clip skip": str(request.clip_skip) if request.clip_skip > 1 else "",
        **_more_fields(plan),
        "Hashes": json.dumps(_hashes(plan), ensure_ascii=False),
        "Version": "Safelight",
    }
    return {key: value for key, value in fields.items() if value}


def _more_fields(plan: RenderPlan) -> dict[str, str]:
    request = plan.request
    fields: dict[str, str] = {}
    if request.vae is not None:
        vae = plan.of("vae", request.vae)
        fields |= {"VAE hash": vae.autov2 or vae.sha256[:10], "VAE": vae.name}
    if request.init is not None:
        fields["Denoising strength"] = number_text(request.denoise)
    if request.variation is not None:
        fields["Variation seed"] = str(request.variation.seed)
        fields["Variation seed strength"] = number_text(request.variation.strength)
    if request.hires is not None:
        fields |= {
            "Denoising strength": number_text(request.hires.denoise),
            "Hires upscale": number_text(request.hires.scale),
            "Hires steps": str(request.hires.steps) if request.hires.steps else "",
            "Hires upscaler": {"latent": "Latent", "lanczos": "Lanczos"}[request.hires.upscaler],
        }
    return fields


def _hashes(plan: RenderPlan) -> dict[str, str]:
    """Short hashes by the names that the field gives them: `model`, `lora:NAME`, `embed:NAME`, …"""
    prefixes = {"lora": "lora:", "embedding": "embed:", "hypernet": "hypernet:", "controlnet": "controlnet:"}
    hashes = {}
    for item in plan.ingredients:
        short = item.autov2 or item.sha256[:10]
        if item.role in prefixes:
            hashes[prefixes[item.role] + item.name] = short
        else:
            hashes["model" if item.role == "checkpoint" else "vae"] = short
    return hashes
