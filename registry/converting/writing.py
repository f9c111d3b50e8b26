"""The result, streamed: header, then each tensor's numbers, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from registry.converting.checkpoint import read_checkpoint
from registry.converting.gathering import pieces
from registry.converting.halving import Odd, halve
from registry.converting.plan import header_of, make_plan
from registry.converting.terms import Kind
from registry.pickles.values import clean

_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What was done. Lists are cut after a hundred names; the numbers count all."""

    tensors: int
    dropped: int
    cast: int
    left_out: list[str]
    left_out_count: int
    shared: list[list[str]]
    shared_count: int
    odd: dict[str, dict[str, int]] = field(default_factory=dict)
    odd_count: int = 0


def write_result(stream: BinaryIO, size: int, out: BinaryIO, *, kind: Kind, source_sha256: str) -> Report:
    """Write the `.safetensors` of a torch file to `out`, which is empty and can seek.

    Holds some megabytes, whatever the sizes. Raises ConversionRefused, and EOFError where the source ends early.
    """
    checkpoint = read_checkpoint(stream, size)
    plan = make_plan(checkpoint, kind, size)
    header = header_of(plan, kind, source_sha256)
    out.write(header)
    position = at = len(header)
    odd: dict[str, Odd] = {}
    for one in plan.tensors:
        seen = Odd()
        for place, data in pieces(one.view, checkpoint.storages[one.view.storage]):
            target = position + place * one.width
            if target != at:
                out.seek(target)
            at = target + out.write(data if one.dtype == one.view.dtype else halve(data, one.view.dtype, seen))
        if seen.any:
            odd[one.view.name] = seen
        position += one.size
    return Report(
        tensors=len(plan.tensors),
        dropped=len(plan.dropped),
        cast=sum(one.dtype != one.view.dtype for one in plan.tensors),
        left_out=list(checkpoint.left_out[:_MOST_NAMED]),
        left_out_count=len(checkpoint.left_out),
        shared=[[clean(name, 200) for name in group[:_MOST_NAMED]] for group in plan.shared[:_MOST_NAMED]],
        shared_count=len(plan.shared),
        odd={clean(name, 200): _counts(odd[name]) for name in list(odd)[:_MOST_NAMED]},
        odd_count=len(odd),
    )


def _counts(odd: Odd) -> dict[str, int]:
    return {"saturated": odd.saturated, "infinite": odd.infinite, "not_numbers": odd.not_numbers}
