"""The loop that every network here is trained in: rate, average, state on disk, resumption.

Each step draws its numbers from the seed and its own number, so that a run which was interrupted goes on with what it
would have seen.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.training.command import Run
from inference.training.recipe import Stage

SAVE_SECONDS: Final = 300
LOG_STEPS: Final = 50
logger = logging.getLogger(__name__)

Loss = Callable[[np.random.Generator], Tensor]


class Training:
    """Parameters on their way. `slower` names modules and the share of the rate at which they learn."""

    def __init__(
        self, name: str, run: Run, modules: Mapping[str, nn.Module], slower: Mapping[str, float] | None = None
    ) -> None:
        self.stage: Stage = run.recipe.stages[name]
        self._seed, self._minutes = run.recipe.seed, run.minutes
        self._path: Path = run.work / f"{name}.state"
        self._parameters = {
            f"{module}.{key}": value
            for module, network in modules.items()
            for key, value in network.named_parameters()
            if value.requires_grad
        }
        factors = slower or {}
        groups = [
            {"params": [p for p in network.parameters() if p.requires_grad], "factor": factors.get(module, 1.0)}
            for module, network in modules.items()
        ]
        self._optimizer = torch.optim.AdamW(groups, lr=self.stage.rate, betas=(0.9, 0.99), weight_decay=0.01)
        self._average = {key: value.detach().clone() for key, value in self._parameters.items()}
        self.step, self.seconds, self._shown = 0, 0.0, 0.0

    def run(self, loss: Loss) -> None:
        """Train to the end, from the saved state where there is one; then the averaged weights are in place."""
        self._restore()
        logger.info("%s numbers, from step %d", sum(p.numel() for p in self._parameters.values()), self.step)
        saved, before = self.seconds, time.monotonic()
        while (progress := self._progress()) < 1:
            self._set_rate(progress)
            self._one(loss)
            now = time.monotonic()
            self.seconds, before = self.seconds + now - before, now
            if self.step % LOG_STEPS == 0:
                logger.info("step %d, %.0f s, loss %.4f", self.step, self.seconds, self._shown)
            if self.seconds > saved + SAVE_SECONDS:
                saved = self.seconds
                self._save()
        self._save()
        if self.stage.average:
            self._put(self._average)

    def _progress(self) -> float:
        spent = self.seconds / 60 / self._minutes if self._minutes else 0.0
        return max(self.step / self.stage.steps if self.stage.steps else 1.0, spent)

    def _set_rate(self, progress: float) -> None:
        rising = min(1.0, (self.step + 1) / self.stage.warmup)
        falling = min(1.0, max(0.01, (1 - progress) / self.stage.decay))
        for group in self._optimizer.param_groups:
            group["lr"] = group["factor"] * self.stage.rate * rising * falling

    def _one(self, loss: Loss) -> None:
        torch.manual_seed(self._seed * 1_000_003 + self.step)
        value = loss(np.random.default_rng([self._seed, self.step]))
        value.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.stage.average:
            kept = min(self.stage.average, self.step / (self.step + 20))
            new = [value.detach() for value in self._parameters.values()]
            torch._foreach_lerp_(list(self._average.values()), new, 1 - kept)
        self._shown = value.item() if self.step == 1 else 0.98 * self._shown + 0.02 * value.item()

    def _put(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for key, parameter in self._parameters.items():
                parameter.copy_(values[key])

    def _save(self) -> None:
        state = {
            "parameters": {key: value.detach() for key, value in self._parameters.items()},
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "progress": [self.step, self.seconds, self._shown],
        }
        beside = self._path.with_suffix(".new")
        torch.save(state, beside)
        beside.replace(self._path)

    def _restore(self) -> None:
        if not self._path.exists():
            return
        state = torch.load(self._path, weights_only=True)
        self._put(state["parameters"])
        self._average = {key: state["average"][key].to(value.device) for key, value in self._parameters.items()}
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self._shown = state["progress"]
