"""What the prompts of a request say at each call of the denoiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inference.prompts.networks import extract_networks
from inference.prompts.schedule import Stage, parse_schedule, split_strands

MAX_STRANDS: Final = 8  # each is a call of the denoiser of its own


@dataclass(frozen=True)
class Script:
    """Strands (`AND`) with their weights, each with its stages, and the stages of what is not wanted."""

    strands: tuple[tuple[float, tuple[Stage, ...]], ...]
    negative: tuple[Stage, ...]

    def at(self, step: int) -> tuple[tuple[tuple[float, str], ...], str]:
        """The strands' weights and texts at a step, counted from 0, and what is not wanted."""
        wanted = tuple((weight, _text_at(stages, step)) for weight, stages in self.strands)
        return wanted, _text_at(self.negative, step)


def write_script(prompt: str, negative: str, steps: int) -> Script:
    """Raises ValueError where the prompt has too many strands, or changes too often for its length."""
    strands = split_strands(extract_networks(prompt)[0])
    if len(strands) > MAX_STRANDS:
        raise ValueError(f"the prompt has {len(strands)} parts joined by AND; {MAX_STRANDS} are possible")
    parts = tuple((strand.weight, parse_schedule(strand.text, steps)) for strand in strands)
    return Script(parts, parse_schedule(extract_networks(negative)[0], steps))


def _text_at(stages: tuple[Stage, ...], step: int) -> str:
    """A stage that ends at n holds for the steps 0 to n, as A1111 counts them."""
    return next((stage.text for stage in stages if step <= stage.last), stages[-1].text)
