"""The words in which every dialect is told: one picture's generation data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_SEED: Final = (1 << 64) - 1
MAX_RESOURCES: Final = 200
MAX_PROMPT: Final = 200_000
_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]{8,64})\Z")
_HALF: Final = re.compile("[\ud800-\udfff]")
# The digest of no bytes at all names nothing, however often it is written.
EMPTY_DIGEST: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True, slots=True)
class Resource:
    """A model that a picture was made with. `kind` is checkpoint, lora, embedding, hypernetwork, vae, controlnet or
    upscaler; `hash` is lower-case hexadecimal as the tool wrote it, possibly shortened, or empty."""

    kind: str
    name: str
    weight: float | None = None
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Generation:
    """What a tool said about one picture. What it did not say, or what could not be understood, is None or empty.

    `raw` holds the blocks as they stood in the file, by the place they stood in, untouched.
    """

    tool: str
    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    steps: int | None = None
    sampler: str = ""
    schedule: str = ""
    cfg_scale: float | None = None
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    denoise: float | None = None
    resources: tuple[Resource, ...] = ()
    version: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    from_pixels: bool = False
    raw: Mapping[str, str] = field(default_factory=dict)


def whole(value: object, *, low: int = 0, high: int = MAX_SEED) -> int | None:
    """A whole number within bounds, from a number or its text, to the last digit; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            return None
        value = int(value)
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(r"[+-]?\d{1,20}", text):
            return None
        value = int(text)
    return value if isinstance(value, int) and low <= value <= high else None


def real(value: object) -> float | None:
    """A finite number from a number or its text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,2})?\s*", value):
            return None
        value = float(value)
    if isinstance(value, int | float) and abs(value) < 1e15 and math.isfinite(value):
        return float(value)
    return None


def text(value: object, limit: int = MAX_PROMPT) -> str:
    """A text, cut to `limit`; a number becomes its digits; anything else is empty. NUL is no character of a text, and
    half of a surrogate pair, which JSON can spell and no encoding can write, becomes U+FFFD."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return _HALF.sub("\ufffd", value[: limit * 2].replace("\0", ""))[:limit] if isinstance(value, str) else ""


def size(value: object) -> tuple[int | None, int | None]:
    """Width and height from `512x768`, `(896, 1152)`, `896×1152` or a pair."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return side(value[0]), side(value[1])
    if isinstance(value, str) and (match := re.fullmatch(r"[(\[\s]*(\d{1,6})\s*[x×,*]\s*(\d{1,6})[)\]\s]*", value)):
        return side(match[1]), side(match[2])
    return None, None


def side(value: object) -> int | None:
    """One side of a picture, in pixels."""
    return whole(value, low=1, high=1_000_000)


def digest(value: object) -> str:
    """A hash as lower-case hexadecimal without `0x`; empty for anything else and for the digest of nothing."""
    if not isinstance(value, str):
        return ""
    match = _HEX.match(value.strip().lower())
    if match is None or EMPTY_DIGEST.startswith(match[1]):
        return ""
    return match[1]


def stem(name: object) -> str:
    """A model's name as people write it: without folders and without the ending of a model file."""
    cleaned = text(name, 400).replace("\\", "/").rsplit("/", 1)[-1].strip()
    return re.sub(r"\.(safetensors|ckpt|pt|pth|bin|gguf|sft)\Z", "", cleaned, flags=re.IGNORECASE)


def merged(resources: list[Resource]) -> tuple[Resource, ...]:
    """Each resource once: what is known by the same hash, or by the same kind and name, is one."""
    kept: dict[str, Resource] = {}
    by_hash: dict[str, str] = {}
    for resource in resources[: MAX_RESOURCES * 4]:
        key = f"{resource.kind}:{resource.name.lower()}" if resource.name else f"#{resource.hash}"
        key = by_hash.get(f"{resource.kind}:{resource.hash[:10]}", key) if resource.hash else key
        known = kept.get(key)
        if known is None:
            kept[key] = resource
        else:
            kept[key] = Resource(
                known.kind,
                known.name or resource.name,
                known.weight if known.weight is not None else resource.weight,
                max(known.hash, resource.hash, key=len),
            )
        if kept[key].hash:
            by_hash.setdefault(f"{resource.kind}:{kept[key].hash[:10]}", key)
    return tuple(kept.values())[:MAX_RESOURCES]
