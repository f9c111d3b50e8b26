"""What a picture's file holds for the tool that made it: workflows, and the text that people paste."""

from __future__ import annotations

from typing import Any, Final

from gallery.imagemeta.loading import load_object
from gallery.models import PictureReading

# ComfyUI opens both: the workflow as its page draws it, and the graph that was run. Places as in `imagemeta.blocks`.
_PLACES: Final = (
    ("png:workflow", ""),
    ("exif:Make", "workflow:"),
    ("exif:ImageDescription", "workflow:"),
    ("png:prompt", ""),
    ("exif:Model", "prompt:"),
)
_INFOTEXT: Final = ("png:parameters", "exif:UserComment", "jpeg:comment", "gif:comment")


def workflow_of(reading: PictureReading) -> str | None:
    """The workflow as it stood in the file, untouched; None where there is none that ComfyUI could open."""
    blocks = reading.blocks
    for place, start in _PLACES:
        text = blocks.get(place, "")
        if not text.startswith(start):
            continue
        text = text.removeprefix(start)
        if _is_workflow(load_object(text)):
            return text
    return None


def _is_workflow(found: dict[str, Any] | None) -> bool:
    if not found:
        return False
    nodes = found.get("nodes")
    return isinstance(nodes, list) or any(isinstance(node, dict) and "class_type" in node for node in found.values())


def has_workflow(reading: PictureReading | None) -> bool:
    """Whether a picture made by ComfyUI has one. Cheap: it is read whole only when somebody asks for it."""
    if reading is None or (reading.generation or {}).get("tool") != "ComfyUI":
        return False
    blocks = reading.blocks
    return any(blocks.get(place, "").startswith(f"{start}{{") for place, start in _PLACES)


def text_of(told: dict[str, Any]) -> str:
    """How an image was made in the words that A1111's kind of tools read back."""
    lines = [told.get("prompt") or ""]
    if told.get("negative"):
        lines.append(f"Negative prompt: {told['negative']}")
    settings = [f"{name}: {value}" for name, value in _settings(told) if value not in (None, "")]
    return "\n".join([*lines, ", ".join(settings)]).strip()


def _settings(told: dict[str, Any]) -> list[tuple[str, Any]]:
    size = f"{told['width']}x{told['height']}" if told.get("width") and told.get("height") else ""
    return [
        ("Steps", told.get("steps")),
        ("Sampler", told.get("sampler")),
        ("Schedule type", told.get("schedule")),
        ("CFG scale", plain_number(told.get("cfg_scale"))),
        ("Seed", told.get("seed")),
        ("Size", size),
        ("Clip skip", told.get("clip_skip")),
        ("Denoising strength", plain_number(told.get("denoise"))),
    ]


def plain_number(value: float | None) -> str:
    """A number without zeros that say nothing: 6, 6.5."""
    return "" if value is None else f"{value:g}"
