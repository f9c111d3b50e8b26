"""Generation data between the kernel, the database and people: one shape, and what people may write into it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput
from gallery.imagemeta.generation import MAX_SEED, Generation
from gallery.models import Image
from registry.services.wording import clean_line, clean_text

MAX_PROMPT: Final = 40_000
# What a page names, in this order; `extra` holds whatever else a tool wrote.
TEXTS: Final = ("prompt", "negative")
LINES: Final = ("sampler", "schedule", "tool", "version")
WHOLES: Final = {"steps": 10_000, "width": 1_000_000, "height": 1_000_000, "clip_skip": 100}
REALS: Final = ("cfg_scale", "denoise")
FIELDS: Final = (*TEXTS, "seed", *LINES, *WHOLES, *REALS)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def generation_shape(found: Generation) -> dict[str, Any]:
    """What the kernel found, as it is stored and answered: the seed as text, for JSON readers round it."""
    shape: dict[str, Any] = {
        "tool": found.tool,
        "version": found.version,
        "prompt": found.prompt,
        "negative": found.negative,
        "seed": None if found.seed is None else str(found.seed),
        "steps": found.steps,
        "sampler": found.sampler,
        "schedule": found.schedule,
        "cfg_scale": found.cfg_scale,
        "width": found.width,
        "height": found.height,
        "clip_skip": found.clip_skip,
        "denoise": found.denoise,
        "extra": dict(found.extra),
        "from_pixels": found.from_pixels,
        "resources": [
            {"kind": each.kind, "name": each.name, "weight": each.weight, "hash": each.hash} for each in found.resources
        ],
    }
    return storable_texts(shape)


def storable_texts(value: Any) -> Any:
    """The same value in a form that a JSON column can hold: no NUL, no half characters, no infinite numbers."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {storable_texts(str(key)): storable_texts(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable_texts(inner) for inner in value]
    return value


def clean_generation(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an author says of a picture's making: the fields that are given, no others.

    Raises InvalidInput that names the field.
    """
    cleaners: dict[str, Any] = dict.fromkeys(TEXTS, lambda value, name: clean_text(value or "", name, most=MAX_PROMPT))
    cleaners |= dict.fromkeys(LINES, lambda value, name: clean_line(value or "", name, most=100))
    cleaners |= {name: partial(_whole, most=most) for name, most in WHOLES.items()}
    cleaners |= dict.fromkeys(REALS, _real) | {"seed": _seed}
    return {name: cleaners[name](given[name], name) for name in FIELDS if name in given}


def with_said(read: Mapping[str, Any] | None, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was read with what its author says in its place; None where that is the same."""
    base = dict(read or {})
    if all((base.get(name) or None) == (said.get(name) or None) for name in FIELDS if name in said):
        return None
    return {
        **dict.fromkeys(FIELDS),
        **dict.fromkeys((*TEXTS, *LINES), ""),
        "extra": {},
        "resources": [],
        **base,
        **said,
    }


def _seed(value: Any, field: str) -> str | None:
    seed = _whole(value, field, MAX_SEED)
    return None if seed is None else str(seed)


def _whole(value: Any, field: str, most: int) -> int | None:
    text = str(value).strip() if value is not None and not isinstance(value, bool) else ""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) > most:
        raise InvalidInput(_("Write a whole number from 0 to %(most)d.") % {"most": most}, field=field)
    return int(text)


def _real(value: Any, field: str) -> float | None:
    text = str(value).strip().replace(",", ".") if value is not None and not isinstance(value, bool) else ""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,12})?", text):
        raise InvalidInput(_("Write a number, e.g. 6.5."), field=field)
    return float(text)


def take_generation(image: Image) -> None:
    """Bring an image's columns up to what counts of what is told. Does not save."""
    told = image.told
    image.prompt = told.get("prompt") or ""
    image.negative = told.get("negative") or ""
    image.seed = Decimal(told["seed"]) if told.get("seed") else None
    image.tool = (told.get("tool") or "")[:40]


GENERATION_COLUMNS: Final = ("generation", "edited", "is_edited", "prompt", "negative", "seed", "tool")
