"""The loop of the U-Net families: predict, guide, step, until a picture's latents are free of noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from inference.engine.controlnet import control_residuals
from inference.engine.encode import Reader, Reading
from inference.engine.schedulers import Walk
from inference.engine.scripts import Script

TOGETHER: Final = 2  # conditions that the denoiser sees in one call: with and without the prompt


@dataclass(eq=False)
class Control:
    """A ControlNet with its picture (1, 3, height, width; 0 to 1). `start` and `end` are shares of the steps."""

    network: Any
    picture: torch.Tensor
    weight: float
    start: float
    end: float

    def is_on(self, call: int, calls: int) -> bool:
        return self.start <= call / calls < self.end or (self.end >= 1.0 and call / calls >= self.start)


@dataclass(eq=False)
class Canvas:
    """What a mask leaves alone. `known` are the picture's latents, `mask` is 1 where it is painted anew."""

    known: torch.Tensor
    mask: torch.Tensor
    noise: torch.Tensor


@dataclass(eq=False)
class Conditions:
    """What one prompt came to: states, and for SDXL what else it is told."""

    states: torch.Tensor
    added: dict[str, torch.Tensor] | None
    weight: float = 1.0


class Guide:
    """Predicts with guidance: `without + sum of weight * scale * (with - without)`."""

    def __init__(self, unet: nn.Module, reader: Reader, script: Script, scale: float, size: tuple[int, int]) -> None:
        self._unet: Any = unet
        self._reader, self._script, self._scale, self._size = reader, script, scale, size
        self._last: tuple[object, list[Conditions], bool] | None = None
        self.control: Control | None = None
        self.beside: torch.Tensor | None = None  # further channels of the input: mask and masked picture
        self.rescale = 0.0
        self.steps = 1
        self.together = TOGETHER

    def predict(self, sample: torch.Tensor, t: torch.Tensor, call: int, calls: int) -> torch.Tensor:
        """The guided prediction for one call of a pass."""
        conditions, has_negative = self._conditions(call * self.steps // calls)
        if self.beside is not None:
            sample = torch.cat([sample, self.beside], 1)
        control = self.control if self.control is not None and self.control.is_on(call, calls) else None
        predicted: list[torch.Tensor] = []
        for first in range(0, len(conditions), self.together):
            predicted += self._call(sample, t, conditions[first : first + self.together], control)
        if not has_negative:
            return predicted[0]
        return self._guided(predicted, conditions)

    def _guided(self, predicted: list[torch.Tensor], conditions: list[Conditions]) -> torch.Tensor:
        without = predicted[0]
        guided = without
        for one, condition in zip(predicted[1:], conditions[1:], strict=True):
            guided = guided + (condition.weight * self._scale) * (one - without)
        if self.rescale and len(predicted) == 2:
            dims = tuple(range(1, guided.ndim))
            wanted = guided * (predicted[1].std(dims, keepdim=True) / guided.std(dims, keepdim=True))
            guided = self.rescale * wanted + (1 - self.rescale) * guided
        return guided

    def _call(
        self, sample: torch.Tensor, t: torch.Tensor, conditions: list[Conditions], control: Control | None
    ) -> list[torch.Tensor]:
        count = len(conditions)
        states = torch.cat([item.states for item in conditions])
        more: dict[str, Any] = {"encoder_hidden_states": states, "return_dict": False}
        if conditions[0].added is not None:
            keys = conditions[0].added
            more["added_cond_kwargs"] = {
                key: torch.cat([(item.added or {})[key] for item in conditions]) for key in keys
            }
        batch = torch.cat([sample] * count)
        if control is not None:
            more |= self._controlled(batch[:, :4], t, control, more)
        output: torch.Tensor = self._unet(batch, t, **more)[0]
        return list(output.chunk(count))

    def _controlled(
        self, batch: torch.Tensor, t: torch.Tensor, control: Control, more: dict[str, Any]
    ) -> dict[str, Any]:
        states, added = more["encoder_hidden_states"], more.get("added_cond_kwargs")
        down, mid = control_residuals(control.network, batch, t, states, control.picture, control.weight, added)
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}

    def _conditions(self, step: int) -> tuple[list[Conditions], bool]:
        """What is read at a step: without the prompt first, then each strand. The last answer is kept."""
        wanted, negative = self._script.at(step)
        key = (wanted, negative)
        if self._last is None or self._last[0] != key:
            self._last = (key, *self._read(wanted, negative))
        return self._last[1], self._last[2]

    def _read(self, wanted: tuple[tuple[float, str], ...], negative: str) -> tuple[list[Conditions], bool]:
        readings = [(weight, self._reader.read(text)) for weight, text in wanted]
        is_plain = self._scale == 1.0 and len(wanted) == 1 and wanted[0][0] == 1.0
        if not is_plain:
            readings.insert(0, (1.0, self._reader.read_negative(negative)))
        count = max(len(reading.chunks) for _, reading in readings)
        return [self._condition(reading, weight, count) for weight, reading in readings], not is_plain

    def _condition(self, reading: Reading, weight: float, count: int) -> Conditions:
        states = self._reader.states(reading, count)
        added = None
        if reading.pooled is not None:
            height, width = self._size
            numbers = [height, width, 0, 0, height, width]  # original size, crop, target: as the whole picture
            added = {
                "text_embeds": reading.pooled,
                "time_ids": torch.tensor([numbers], device=states.device, dtype=states.dtype),
            }
        return Conditions(states, added, weight)


def walk_through(
    walk: Walk,
    latents: torch.Tensor,
    guide: Guide,
    generator: torch.Generator,
    on_call: Callable[[], None],
    canvas: Canvas | None = None,
) -> torch.Tensor:
    """The latents at the end of the walk. `on_call` is told before the first call and after each; it may raise."""
    calls = len(walk.timesteps)
    for call, t in enumerate(walk.timesteps):
        sample = walk.scheduler.scale_model_input(latents, t)
        predicted = guide.predict(sample, t, call, calls)
        latents = walk.step(predicted, t, latents, generator)
        if canvas is not None:
            latents = _kept(canvas, walk, latents, call)
        on_call()
    return latents


def _kept(canvas: Canvas, walk: Walk, latents: torch.Tensor, call: int) -> torch.Tensor:
    """Put back what the mask leaves alone, with as much noise as the next call expects."""
    known = canvas.known
    if call + 1 < len(walk.timesteps):
        known = walk.scheduler.add_noise(known, canvas.noise, walk.timesteps[call + 1 : call + 2])
    return (1 - canvas.mask) * known + canvas.mask * latents
