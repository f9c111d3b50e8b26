"""Put adapters of the LoRA family into the weights of loaded networks, and take them out again exactly.

The changes of all adapters are reckoned from the untouched weights, summed in float32 in an order of their own and cast
once, so the order in which somebody names them changes nothing. The untouched tensors are kept and put back as they
were. Folding costs nothing at each step, and works where peft's layers in diffusers do not (LoHa, LoKr, DoRA).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import nn

from inference.engine.lora_changes import Change, read_changes
from inference.engine.lora_layers import LayerIndex
from inference.engine.weights import open_weights

ROLE: Final = "lora"


@dataclass(frozen=True)
class LoraFile:
    """An adapter at a strength, 1 as trained. `weight` is the denoiser's strength, `clip_weight` the text encoders'.

    Two are equal by what they hold, wherever it lies.
    """

    path: Path = field(compare=False)
    weight: float
    clip_weight: float
    sha256: str
    name: str


@contextmanager
def fold_loras(modules: Mapping[str, nn.Module], loras: Sequence[LoraFile]) -> Iterator[tuple[str, ...]]:
    """Fold `loras` in for as long as the context is open; yields a note for every part that was not applied.

    `modules` is keyed unet, transformer, text_encoder, text_encoder_2, text_encoder_3. Raises BadIngredient.
    """
    folder = Folder(modules)
    try:
        yield folder.apply(loras)
    finally:
        folder.clear()


class Folder:
    """Keeps one set of adapters folded into networks. Clear it before their weights are changed by anything else."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._layers = LayerIndex(modules)
        self._applied: tuple[LoraFile, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._untouched: dict[int, tuple[nn.Parameter, torch.Tensor]] = {}

    @property
    def applied(self) -> tuple[LoraFile, ...]:
        """What is folded in now."""
        return self._applied

    def apply(self, loras: Sequence[LoraFile]) -> tuple[str, ...]:
        """Have exactly `loras` folded in, and nothing else. Where they already are, nothing happens.

        Returns a note for every part that was not applied. Raises BadIngredient, with the networks as they were.
        """
        wanted = tuple(loras)
        if wanted == self._applied:
            return self._notes
        self.clear()
        try:
            with torch.inference_mode(mode=False), torch.no_grad():
                self._notes = self._fold(wanted)
        except BaseException:
            self.clear()
            raise
        self._applied = wanted
        return self._notes

    def clear(self) -> None:
        """Put every weight back as it was, to the bit."""
        for parameter, tensor in self._untouched.values():
            parameter.data = tensor.to(parameter.device)
        self._untouched.clear()
        self._applied, self._notes = (), ()

    def _fold(self, loras: Sequence[LoraFile]) -> tuple[str, ...]:
        notes: dict[LoraFile, list[str]] = {}
        shares: dict[int, list[tuple[Change, int]]] = {}
        with ExitStack() as files:
            for lora in sorted(loras, key=_order):
                file = files.enter_context(open_weights(lora.path, ROLE, lora.name))
                read = read_changes(file, self._layers, lora.weight, lora.clip_weight)
                for change in read.changes:
                    for number, parameter in enumerate(change.parameters()):
                        self._untouched[id(parameter)] = (parameter, parameter.data)
                        shares.setdefault(id(parameter), []).append((change, number))
                notes[lora] = read.notes()
            place = self._keeping_place()
            finite = [self._change_parameter(key, parts, place) for key, parts in shares.items()]
        _refuse_overflow(finite)
        return tuple(note for lora in dict.fromkeys(loras) for note in notes[lora])

    def _keeping_place(self) -> torch.device | None:
        """Main memory where the device has no room for what waits and, for the render itself, as much again."""
        needed: Counter[torch.device] = Counter()
        for _, tensor in self._untouched.values():
            needed[tensor.device] += tensor.nbytes
        cards = [device for device in needed if device.type == "cuda"]
        is_full = any(torch.cuda.mem_get_info(device)[0] < 2 * needed[device] for device in cards)
        return torch.device("cpu") if is_full else None

    def _change_parameter(
        self, key: int, shares: Sequence[tuple[Change, int]], place: torch.device | None
    ) -> tuple[Change, torch.Tensor]:
        """Give one parameter its new values; returns the last of its changes and whether all values are finite.

        Its untouched tensor waits at `place`, or beside the new one where that is None.
        """
        parameter, untouched = self._untouched[key]
        total = torch.zeros(untouched.shape, dtype=torch.float32, device=untouched.device)
        for change, number in shares:
            total[change.layer[number].rows] += change.share(number, self._originals(change))
        changed = (untouched.to(torch.float32) + total).to(untouched.dtype)
        parameter.data = torch.empty_like(untouched).copy_(changed)  # the same layout in memory: channels may be last
        self._untouched[key] = (parameter, untouched if place is None else untouched.to(place))
        return shares[-1][0], torch.isfinite(changed).all()

    def _originals(self, change: Change) -> list[torch.Tensor]:
        kept = [self._untouched[id(parameter)] for parameter in change.parameters()]
        return [
            tensor[part.rows].to(parameter.device, torch.float32)
            for (parameter, tensor), part in zip(kept, change.layer, strict=True)
        ]


def _order(lora: LoraFile) -> tuple[str, float, float]:
    """An order that does not depend on how the request names them: float sums depend on it in their last bit."""
    return lora.sha256, lora.weight, lora.clip_weight


def _refuse_overflow(answers: Sequence[tuple[Change, torch.Tensor]]) -> None:
    """Adapters at great strength can leave the range of a half-precision weight: the picture would be black."""
    if answers and not bool(torch.stack([finite for _, finite in answers]).all()):
        change = next(change for change, finite in answers if not bool(finite))
        change.file.refuse("overflow", key=change.written[:200])
