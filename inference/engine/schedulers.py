"""Samplers as schedulers of diffusers, each made anew from the model's own configuration.

A scheduler made from another one's configuration would keep that one's settings.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import diffusers
import torch

from inference.prompts.samplers import AUTOMATIC, find_sampler, resolved_schedule


@dataclass(eq=False)
class Walk:
    """A scheduler with the timesteps of one pass. `notes` says what of the request the sampler does not know."""

    scheduler: Any
    timesteps: torch.Tensor
    takes_generator: bool
    notes: tuple[str, ...] = ()

    def step(
        self, predicted: torch.Tensor, t: torch.Tensor, latents: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The latents after one call."""
        more = {"generator": generator} if self.takes_generator else {}
        result: torch.Tensor = self.scheduler.step(predicted, t, latents, return_dict=False, **more)[0]
        return result


def make_walk(
    name: str,
    schedule: str,
    base: Mapping[str, Any],
    *,
    steps: int,
    seed: int,
    device: torch.device,
    strength: float = 1.0,
) -> Walk:
    """The walk of a sampler over `steps` steps, or over the last `strength` of them (a picture painted over).

    KeyError for a name that is not known.
    """
    sampler, asked = find_sampler(name, schedule)
    chosen = resolved_schedule(sampler, asked)
    known = _parameters(sampler.scheduler)
    settings = {key: value for key, value in base.items() if key in known} | dict(sampler.settings)
    settings |= {key: value for key, value in chosen.settings.items() if key in known}
    if sampler.seeded:
        settings[sampler.seeded] = seed
    scheduler = getattr(diffusers, sampler.scheduler)(**settings)
    scheduler.set_timesteps(steps, device=device)
    timesteps = _last(scheduler, steps, strength)
    unknown = [key for key in chosen.settings if key not in known]
    notes = (f"{sampler.name} has no schedule {asked.name}",) if unknown and asked.name != AUTOMATIC else ()
    return Walk(scheduler, timesteps, "generator" in _step_parameters(sampler.scheduler), notes)


def _last(scheduler: Any, steps: int, strength: float) -> torch.Tensor:
    """The timesteps that are left when a picture is changed by `strength` alone."""
    timesteps: torch.Tensor = scheduler.timesteps
    if strength >= 1.0:
        return timesteps
    wanted = min(max(int(steps * strength), 1), steps) if strength > 0 else 0
    first = (steps - wanted) * int(scheduler.order)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return timesteps[first:]


@lru_cache(maxsize=64)
def _parameters(scheduler: str) -> frozenset[str]:
    return frozenset(inspect.signature(getattr(diffusers, scheduler).__init__).parameters) - {"self"}


@lru_cache(maxsize=64)
def _step_parameters(scheduler: str) -> frozenset[str]:
    return frozenset(inspect.signature(getattr(diffusers, scheduler).step).parameters)
