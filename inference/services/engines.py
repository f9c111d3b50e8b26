"""The door between the queue and whatever renders. The web never goes through it: behind it torch is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings

from inference.prompts.plan import RenderPlan
from inference.prompts.receipt import Environment


@dataclass(frozen=True)
class Device:
    """What a worker renders on. `memory` in bytes; 0: not known."""

    name: str
    kind: str
    memory: int
    versions: dict[str, str] = field(default_factory=dict)


class Image(Protocol):
    """One finished picture. `pixels` is an RGB image of Pillow."""

    pixels: Any
    seed: int
    index: int
    image_hash: str


class Rendering(Protocol):
    """What a plan came to."""

    images: list[Any]
    environment: Environment
    notes: tuple[str, ...]


class Engine(Protocol):
    """Something that renders plans. It raises what `inference.engine.errors` names."""

    device: Device

    def render(
        self,
        plan: RenderPlan,
        *,
        economical: bool,
        on_step: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> Rendering:
        """Render; `on_step(step, steps)` hears of each step, `cancelled()` is asked between them.

        `economical`: with less memory and more time. The environment of what comes of it says so.
        """

    def fresh(self) -> None:
        """Forget everything that is loaded, after a fault or for want of memory."""


def load_engine() -> Engine | None:
    """The engine that `settings.RENDER_ENGINE` names, loaded; None where what it needs is not installed."""
    return import_module(settings.RENDER_ENGINE).open_engine()
