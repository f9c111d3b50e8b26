"""A small engine: it paints a picture that follows from the plan, step by step, without a network of any kind.

Words in the prompt make it fail as devices and files do. `GATE` in the environment names a folder: a render whose
prompt holds "gate" writes `reached-PID` there at its second step, and goes on once `open` is there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from inference.engine.errors import BadIngredient, DeviceFault, OutOfMemory, RenderCancelled
from inference.prompts.plan import RenderPlan
from inference.prompts.receipt import Environment, canonical, image_hash
from inference.services.engines import Device

ENVIRONMENT = Environment("stub 1", "0", "0", "0", "a test", "uint8", "none", 1)


@dataclass
class Painted:
    pixels: Image.Image
    seed: int
    index: int
    image_hash: str


@dataclass
class Painting:
    images: list[Painted]
    environment: Environment = ENVIRONMENT
    notes: tuple[str, ...] = ()


class SmallEngine:
    """Paints. `tried` counts how often each prompt was begun, `fresh_calls` how often it was told to forget."""

    def __init__(self, memory: int = 8 << 30) -> None:
        self.device = Device("a test", "cpu", memory, {"engine": "stub 1"})
        self.tried: Counter[str] = Counter()
        self.fresh_calls = 0
        self.shift = 0

    def fresh(self) -> None:
        self.fresh_calls += 1

    def render(self, plan: RenderPlan, *, economical, on_step, cancelled) -> Painting:
        request = plan.request
        self.tried[request.prompt] += 1
        self._misbehave(request.prompt, economical=economical)
        for step in range(1, request.steps + 1):
            if cancelled():
                raise RenderCancelled("cancelled")
            on_step(step, request.steps)
            if step == 2 and "gate" in request.prompt:
                _wait_at_gate()
        images = [self._painted(plan, index) for index in range(request.batch_count)]
        return Painting(images, replace(ENVIRONMENT, economical=True)) if economical else Painting(images)

    def _misbehave(self, prompt: str, *, economical: bool) -> None:
        if "fault" in prompt:
            raise DeviceFault("device_fault", detail="unspecified launch failure")
        if "memory" in prompt and (not economical or "never" in prompt):
            raise OutOfMemory("out_of_memory")
        if "bad vae" in prompt:
            raise BadIngredient("bad_ingredient", "vae", name="broken")
        if "crash" in prompt:
            raise ZeroDivisionError("division by zero")

    def _painted(self, plan: RenderPlan, index: int) -> Painted:
        request = plan.request
        seed = request.seed + index
        digest = hashlib.sha256(f"{canonical(request.written())}{seed}".encode()).digest()
        color = tuple(min(255, value + self.shift) for value in digest[:3])
        pixels = Image.new("RGB", (request.width, request.height), color)
        return Painted(pixels, seed, index, image_hash(request.width, request.height, pixels.tobytes()))


def _wait_at_gate() -> None:
    folder = Path(os.environ["GATE"])
    (folder / f"reached-{os.getpid()}").touch()
    while not (folder / "open").exists():
        time.sleep(0.02)


def open_engine() -> SmallEngine:
    return SmallEngine()
