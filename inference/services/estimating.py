"""What a render will cost, as far as can be told beforehand. Rough on purpose: it only keeps the hopeless out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inference.models import Worker
from inference.prompts.plan import RenderPlan
from inference.prompts.request import RenderRequest

# Seconds for one step over one megapixel, guidance included, until a worker has measured its own. Orders of magnitude.
_CPU_SPEEDS: Final[Mapping[str, float]] = {"tiny": 8.0, "sd1": 40.0, "sd2": 40.0, "sdxl": 60.0, "sd3": 90.0}
_CPU_DEFAULT: Final = 200.0
_DEVICE_IS_FASTER: Final = 150.0
# What a device holds beside the weights, for each pixel of the picture: activations of the widest layers.
_BYTES_PER_PIXEL: Final = 1_500
_OVERHEAD: Final = 64 << 20
_WEIGHT_OF_NEW: Final = 0.3  # of a measurement against those before it


def work_of(request: RenderRequest) -> float:
    """Megapixels of all steps of all pictures together."""
    pixels = request.width * request.height
    share = request.denoise if request.init is not None else 1.0
    work = pixels * request.steps * share
    if request.hires is not None:
        second = request.hires.steps or request.steps
        work += pixels * request.hires.scale**2 * second * request.hires.denoise
    return max(work, pixels) * request.batch_count / 1e6


def memory_of(plan: RenderPlan) -> int:
    """Bytes that a device needs for the plan, at least: stored in full precision, weights are loaded in half of it."""
    request = plan.request
    scale = request.hires.scale**2 if request.hires is not None else 1.0
    weights = sum({item.sha256: item.size for item in plan.ingredients}.values()) // 2
    return int(weights + request.width * request.height * scale * _BYTES_PER_PIXEL) + _OVERHEAD


def speed_of(worker: Worker, family: str) -> float:
    """Seconds that a worker takes for one megapixel-step of a family: measured, or guessed."""
    measured = worker.speeds.get(family)
    if isinstance(measured, int | float) and measured > 0:
        return float(measured)
    guess = _CPU_SPEEDS.get(family, _CPU_DEFAULT)
    return guess if worker.device_kind == "cpu" else guess / _DEVICE_IS_FASTER


def most_work_of(worker: Worker, family: str) -> float | None:
    """The megapixel-steps of a family that a worker takes on, or None where it takes everything."""
    return worker.most_seconds / speed_of(worker, family) if worker.most_seconds else None


def learned_speeds(worker: Worker, family: str, work: float, seconds: float) -> dict[str, float]:
    """The worker's speeds after a render of that work. Loading is not in it: it is paid once.

    One slow render on a busy machine moves it by a part only, the first one too: whoever counts as too slow for
    everything is given nothing to learn from.
    """
    if work <= 0 or seconds <= 0:
        return worker.speeds
    new, old = seconds / work, speed_of(worker, family)
    return {**worker.speeds, family: round(old + (new - old) * _WEIGHT_OF_NEW, 6)}
