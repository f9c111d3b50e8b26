"""What a person asks a worker to render: every field that decides the pixels, and nothing else.

A request names versions by their ids and pictures by the SHA-256 of their bytes, so that it means the same whenever it
is read. `read_request` is the one door for what programs and forms send; `written` is its exact opposite.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from inference.prompts.samplers import FOREIGN_SAMPLERS, find_sampler

MAX_SEED: Final = 2**64 - 1  # what the tools of the field write; torch takes 64 bits
MAX_PROMPT: Final = 10_000
MAX_EXTRAS: Final = 16
SIDE_STEP: Final = 8  # every supported VAE halves a side at least twice, most three times
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")

Upscaler = Literal["latent", "lanczos"]


class RequestRefused(ValueError):
    """A request that cannot be meant. `code` is stable, `field` names the part, `params` fill the sentence."""

    def __init__(self, code: str, field: str, **params: object) -> None:
        super().__init__(f"{field}: {code}")
        self.code, self.field, self.params = code, field, params


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for: steps, pixels of a side, pictures of a batch. The site's settings say."""

    steps: int = 150
    side: int = 1536
    batch: int = 8


@dataclass(frozen=True, slots=True)
class LoraUse:
    """An adapter at a strength, 1 as trained. `clip_weight` is the text encoder's; None: the same."""

    version: int
    weight: float = 1.0
    clip_weight: float | None = None


@dataclass(frozen=True, slots=True)
class HypernetUse:
    """A hypernetwork at a strength, 1 as trained."""

    version: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class EmbeddingUse:
    """An embedding, and the word in the prompt that stands for it."""

    version: int
    word: str


@dataclass(frozen=True, slots=True)
class ControlUse:
    """A ControlNet with the picture (SHA-256) that it follows, from `start` to `end` as shares of the steps."""

    version: int
    picture: str
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class Hires:
    """A second pass over an enlarged picture. `steps` 0: as many as the first pass."""

    scale: float = 2.0
    steps: int = 0
    denoise: float = 0.5
    upscaler: Upscaler = "latent"


@dataclass(frozen=True, slots=True)
class Variation:
    """Noise that lies between the request's seed and another one; `strength` 0 … 1."""

    seed: int
    strength: float


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One render. Sides in pixels; `clip_skip` counts as A1111 does (1: none); `denoise` matters with an `init` alone.

    `init` and `mask` are SHA-256s of stored pictures; white in the mask is painted anew. A batch uses seed, seed + 1 …
    """

    version: int
    prompt: str = ""
    negative: str = ""
    seed: int = 0
    width: int = 512
    height: int = 512
    steps: int = 20
    sampler: str = "DPM++ 2M"
    schedule_type: str = "Automatic"
    cfg_scale: float = 7.0
    clip_skip: int = 1
    loras: tuple[LoraUse, ...] = ()
    vae: int | None = None
    embeddings: tuple[EmbeddingUse, ...] = ()
    hypernets: tuple[HypernetUse, ...] = ()
    init: str | None = None
    mask: str | None = None
    denoise: float = 0.75
    control: ControlUse | None = None
    hires: Hires | None = None
    variation: Variation | None = None
    batch_count: int = 1

    def written(self) -> dict[str, Any]:
        """As JSON: seeds are strings, since JSON's numbers lose their last digits. `read_request` gives it back."""
        data = asdict(self)
        data["seed"] = str(self.seed)
        if self.variation is not None:
            data["variation"]["seed"] = str(self.variation.seed)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that it needs, each once, the checkpoint first."""
        used = [self.version, *(lora.version for lora in self.loras)]
        used += [embedding.version for embedding in self.embeddings]
        used += [hypernet.version for hypernet in self.hypernets]
        used += [self.vae] if self.vae is not None else []
        used += [self.control.version] if self.control is not None else []
        return tuple(dict.fromkeys(used))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The SHA-256 of every picture that it needs, each once."""
        control = self.control.picture if self.control is not None else None
        return tuple(dict.fromkeys(sha for sha in (self.init, self.mask, control) if sha))


def read_request(data: Mapping[str, Any], limits: Limits = Limits()) -> RenderRequest:
    """The request that a JSON object says. Raises RequestRefused for the first field that cannot be meant."""
    if not isinstance(data, Mapping):
        raise RequestRefused("not_an_object", "request")
    known = {item.name for item in fields(RenderRequest)}
    for key in data:
        if key not in known:
            raise RequestRefused("unknown_field", str(key)[:100])
    if "version" not in data:
        raise RequestRefused("missing", "version")
    readers = _readers(limits)
    values = {name: readers[name](data[name], name) for name in known if name in data and data[name] is not None}
    request = RenderRequest(**values)
    _check_together(request)
    return request


def _check_together(request: RenderRequest) -> None:
    try:
        find_sampler(request.sampler, request.schedule_type)
    except KeyError:
        raise RequestRefused(*_sampler_fault(request)) from None
    if request.mask is not None and request.init is None:
        raise RequestRefused("mask_without_init", "mask")
    if request.hires is not None and request.init is not None:
        raise RequestRefused("hires_with_init", "hires")
    if request.seed + request.batch_count - 1 > MAX_SEED:
        raise RequestRefused("too_large", "seed", most=MAX_SEED)


def _sampler_fault(request: RenderRequest) -> tuple[str, str]:
    if request.sampler in FOREIGN_SAMPLERS:
        return "foreign_sampler", "sampler"
    try:
        find_sampler(request.sampler)
    except KeyError:
        return "unknown_sampler", "sampler"
    return "unknown_schedule", "schedule_type"


_Reader = Callable[[Any, str], Any]


def _readers(limits: Limits) -> dict[str, _Reader]:
    side = _side(limits.side)
    version = _whole(1, 2**63 - 1)
    return {
        "version": version,
        "prompt": _text(MAX_PROMPT),
        "negative": _text(MAX_PROMPT),
        "seed": _whole(0, MAX_SEED),
        "width": side,
        "height": side,
        "steps": _whole(1, limits.steps),
        "sampler": _text(60),
        "schedule_type": _text(60),
        "cfg_scale": _number(0, 100),
        "clip_skip": _whole(1, 12),
        "loras": _many({"version": version, "weight": _number(-10, 10), "clip_weight": _number(-10, 10)}, LoraUse),
        "vae": version,
        "embeddings": _many({"version": version, "word": _text(100)}, EmbeddingUse),
        "hypernets": _many({"version": version, "weight": _number(-10, 10)}, HypernetUse),
        "init": _sha256,
        "mask": _sha256,
        "denoise": _number(0, 1),
        "control": _one(
            {
                "version": version,
                "picture": _sha256,
                "weight": _number(-2, 2),
                "start": _number(0, 1),
                "end": _number(0, 1),
            },
            ControlUse,
        ),
        "hires": _one(
            {
                "scale": _number(1, 4),
                "steps": _whole(0, limits.steps),
                "denoise": _number(0, 1),
                "upscaler": _choice("latent", "lanczos"),
            },
            Hires,
        ),
        "variation": _one({"seed": _whole(0, MAX_SEED), "strength": _number(0, 1)}, Variation),
        "batch_count": _whole(1, limits.batch),
    }


def _text(most: int) -> _Reader:
    def read(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise RequestRefused("not_text", name)
        if len(value) > most:
            raise RequestRefused("too_long", name, most=most)
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise RequestRefused("not_text", name)
        return value

    return read


def _whole(least: int, most: int) -> _Reader:
    def read(value: Any, name: str) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise RequestRefused("not_whole", name)
        return int(_within(value, name, least, most))

    return read


def _side(most: int) -> _Reader:
    whole = _whole(SIDE_STEP, most)

    def read(value: Any, name: str) -> int:
        side = int(whole(value, name))
        if side % SIDE_STEP:
            raise RequestRefused("not_a_multiple", name, step=SIDE_STEP)
        return side

    return read


def _number(least: float, most: float) -> _Reader:
    def read(value: Any, name: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise RequestRefused("not_a_number", name)
        return float(_within(value, name, least, most))

    return read


def _within(value: float, name: str, least: float, most: float) -> float:
    if value < least:
        raise RequestRefused("too_small", name, least=least)
    if value > most:
        raise RequestRefused("too_large", name, most=most)
    return value


def _sha256(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _SHA256.match(value):
        raise RequestRefused("not_a_hash", name)
    return value


def _choice(*names: str) -> _Reader:
    def read(value: Any, name: str) -> str:
        if value not in names:
            raise RequestRefused("unknown_choice", name, choices=", ".join(names))
        return str(value)

    return read


def _one(readers: Mapping[str, _Reader], make: Callable[..., Any]) -> _Reader:
    def read(value: Any, name: str) -> Any:
        if not isinstance(value, Mapping):
            raise RequestRefused("not_an_object", name)
        for key in value:
            if key not in readers:
                raise RequestRefused("unknown_field", f"{name}.{str(key)[:60]}")
        given = {key: readers[key](item, f"{name}.{key}") for key, item in value.items() if item is not None}
        try:
            return make(**given)
        except TypeError:
            raise RequestRefused("missing", name) from None

    return read


def _many(readers: Mapping[str, _Reader], make: Callable[..., Any]) -> _Reader:
    one = _one(readers, make)

    def read(value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise RequestRefused("not_a_list", name)
        if len(value) > MAX_EXTRAS:
            raise RequestRefused("too_many", name, most=MAX_EXTRAS)
        return tuple(one(item, f"{name}.{place}") for place, item in enumerate(value))

    return read
