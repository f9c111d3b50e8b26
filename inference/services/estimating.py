"""What a render will cost, as far as can be told beforehand, and what a worker takes on. It keeps the hopeless out.

The unit of work is what the engine reckons for one core of a processor, in seconds; a worker measures how many seconds
of its own such a second takes, for each family.
"""

from __future__ import annotations

from typing import Final

from inference.engine.costs import estimate, memory_needed
from inference.models import Worker
from inference.prompts.plan import RenderPlan

_HALF: Final = 2  # bytes of a number in half precision, in which graphics cards hold weights
# Of a device that has measured nothing yet. Graphics cards are faster than this; none should refuse for a guess.
_GUESSES: Final = {"cpu": 1.0}
_FAST: Final = 0.01
_WEIGHT_OF_NEW: Final = 0.3  # of a measurement against what was believed before


def work_of(plan: RenderPlan) -> float:
    """Seconds that one core would take."""
    return estimate(plan, "cpu")


def memory_of(plan: RenderPlan) -> int:
    """Bytes that a device needs for the plan, at least: in half precision."""
    return memory_needed(plan, _HALF)


def room_of(worker: Worker) -> int:
    """What `memory_of` a plan may be at most for this worker; 0 where its memory is not known.

    A processor holds every number in full precision, and the machine's memory is not its own alone.
    """
    return worker.memory // 2 if worker.device_kind == "cpu" else worker.memory


def speed_of(worker: Worker, family: str) -> float:
    """Seconds that a worker takes for one unit of work of a family: measured, or guessed."""
    measured = worker.speeds.get(family)
    if isinstance(measured, int | float) and measured > 0:
        return float(measured)
    return _GUESSES.get(worker.device_kind, _FAST)


def most_work_of(worker: Worker, family: str) -> float | None:
    """The work of a family that a worker takes on, or None where it takes everything."""
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
