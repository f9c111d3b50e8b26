"""Images as pages show them, at a fixed number of queries for a whole list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from community.models import Viewer
from gallery.models import Image, ImageResource
from gallery.services.listing import title_of
from gallery.services.workflows import plain_number
from registry.models import ModelVersion
from registry.policies import can_be_named


@dataclass(frozen=True)
class Card:
    """What `components/image_card.html` draws."""

    image: Image
    href: str
    name: str


@dataclass(frozen=True)
class ShownResource:
    """What an image was made with, as this viewer may know it: a link only to a version that they may see.

    `suggestion` is what the name may mean, for the image's author; nothing that was taken from sight meanwhile.
    """

    row: ImageResource
    name: str
    href: str
    version: ModelVersion | None
    weight: str
    suggestion: ModelVersion | None


def cards_of(images: Iterable[Image], list_query: str = "") -> list[Card]:
    """Cards in the order of `images` (from `for_cards`); each leads into the list that `list_query` names."""
    query = f"?{list_query}" if list_query else ""
    return [Card(image, f"{image.get_absolute_url()}{query}", title_of(image)) for image in images]


def shown_resources(image: Image, viewer: Viewer) -> list[ShownResource]:
    """The resources of an image from `for_display`. The weight stands in words of the prompt: 0.8."""
    shown = []
    for row in image.resources.all():
        version, suggestion = _named(viewer, row.version), _named(viewer, row.suggestion)
        name = version.model.title if version else row.name or row.hash[:10]
        href = version.get_absolute_url() if version else ""
        if name:
            shown.append(ShownResource(row, name, href, version, plain_number(row.weight), suggestion))
    return shown


def _named(viewer: Viewer, version: ModelVersion | None) -> ModelVersion | None:
    return version if version is not None and can_be_named(viewer, version) else None


def shown_facts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of a generation as rows of names and values; the seed can be copied."""
    size = f"{told['width']} × {told['height']}" if told.get("width") and told.get("height") else ""
    schedule = "" if told.get("schedule") == "Automatic" else told.get("schedule")
    rows = [
        (_("Sampler"), " ".join(filter(None, (told.get("sampler"), schedule)))),
        (_("Steps"), told.get("steps")),
        (_("CFG scale"), plain_number(told.get("cfg_scale"))),
        (_("Size"), size),
        (_("Clip skip"), told.get("clip_skip")),
        (_("Denoising"), plain_number(told.get("denoise"))),
        (_("Tool"), tool_name(told)),
    ]
    facts: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in rows if value not in (None, "")]
    if told.get("seed"):
        facts.insert(0, {"name": _("Seed"), "code": told["seed"]})
    return facts


def tool_name(told: dict[str, Any]) -> str:
    """The tool as it calls itself, with its version."""
    return " ".join(filter(None, (told.get("tool"), told.get("version"))))
