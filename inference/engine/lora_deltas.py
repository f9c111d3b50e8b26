"""The algebra of adapters: what the stored factors add to a layer's weight.

`W` is the layer's own weight, (out, in) or (out, in, height, width); r an adapter's rank. Formulas: LoRA (Hu et al.
2021), LoCon, LoHa and LoKr (LyCORIS, Yeh et al. 2023), DoRA (Liu et al. 2024). Everything is float32, and every shape
is checked before anything is multiplied, so that a file cannot ask for more memory than the layer takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch

from inference.engine.lora_parts import PartFault, Parts, Shape, expect, fitted, need, rank_of, refuse, scale_of, tucker
from inference.engine.lora_turns import FORMS as OF_THE_WEIGHT

_EPSILON: Final = torch.finfo(torch.float32).eps  # LyCORIS adds it to norms: a row of zeros stays zeros


def weight_change(parts: Parts, weight: torch.Tensor, alpha: float | None) -> torch.Tensor:
    """What an adapter at strength 1 adds to the float32 `weight`, in its shape. Raises PartFault."""
    change = _plain_change(parts, weight, alpha)
    if "dora_scale" in parts or "magnitude" in parts:
        return _decomposed(parts, weight, change)
    return change


def _plain_change(parts: Parts, weight: torch.Tensor, alpha: float | None) -> torch.Tensor:
    """The sum of every form that the layer has; in practice it is one."""
    shape = tuple(weight.shape)
    changes = [form(parts, shape, alpha) for form, marks in _FORMS if _has(parts, marks)]
    changes += [form(parts, weight, alpha) for form, marks in OF_THE_WEIGHT if _has(parts, marks)]
    if not changes:
        raise PartFault("missing_pair")
    return sum(changes[1:], start=changes[0])


def _has(parts: Parts, marks: tuple[str, ...]) -> bool:
    return any(part.startswith(marks) for part in parts)


def _whole(parts: Parts, shape: Shape, alpha: float | None) -> torch.Tensor:
    """The difference itself; no scale belongs to it."""
    (difference,) = need(parts, "diff")
    return fitted(difference, "diff", shape)


def _low_rank(parts: Parts, shape: Shape, alpha: float | None) -> torch.Tensor:
    """α/r · up·down. A convolution's kernel stands in `down`, rarely in `up`; with `mid` (Tucker) it stands there."""
    down, up = need(parts, "down", "up")
    rank = rank_of("down", down)
    if len(shape) < 2:
        refuse("down", down.shape, shape)
    out, inputs, kernel = shape[0], shape[1], shape[2:]
    if "mid" in parts:
        (mid,) = need(parts, "mid")
        expect("mid", mid, (rank, rank, *kernel))
        expect("down", down, (rank, inputs))
        expect("up", up, (out, rank))
        return tucker(mid, up.reshape(out, rank), down.reshape(rank, inputs)).reshape(shape) * scale_of(alpha, rank)
    if up.ndim > 2 and max(up.shape[2:]) > 1:
        expect("down", down, (rank, inputs))
        expect("up", up, (out, rank, *kernel))
        change = torch.einsum("or...,ri->oi...", up, down.reshape(rank, inputs))
    else:
        expect("down", down, (rank, inputs, *kernel))
        expect("up", up, (out, rank))
        change = up.reshape(out, rank) @ down.reshape(rank, -1)
    return change.reshape(shape) * scale_of(alpha, rank)


def _embedding(parts: Parts, shape: Shape, alpha: float | None) -> torch.Tensor:
    """peft's form for tables of vectors: A is (r, words) and B (width, r), the table (words, width)."""
    down, up = need(parts, "embedding_down", "embedding_up")
    rank = rank_of("embedding_down", down)
    if len(shape) != 2:
        refuse("embedding_down", down.shape, shape)
    expect("embedding_down", down, (rank, shape[0]))
    expect("embedding_up", up, (shape[1], rank))
    return (up.reshape(shape[1], rank) @ down.reshape(rank, shape[0])).T * scale_of(alpha, rank)


def _hadamard(parts: Parts, shape: Shape, alpha: float | None) -> torch.Tensor:
    """LoHa: α/r · (w1a·w1b) ⊙ (w2a·w2b), one scale for both. With cores t1, t2 the factors `a` are (r, out)."""
    first, second = (_hada_factor(parts, number, shape) for number in "12")
    return (first * second).reshape(shape) * scale_of(alpha, parts["hada_w1_b"].shape[0])


def _hada_factor(parts: Parts, number: str, shape: Shape) -> torch.Tensor:
    a_name, b_name, core_name = f"hada_w{number}_a", f"hada_w{number}_b", f"hada_t{number}"
    a, b = need(parts, a_name, b_name)
    rank = rank_of(b_name, b)
    if "hada_t1" not in parts and "hada_t2" not in parts:
        expect(b_name, b, (rank, math.prod(shape[1:])))
        expect(a_name, a, (shape[0], rank))
        return a.reshape(shape[0], rank) @ b.reshape(rank, -1)
    (core,) = need(parts, core_name)
    inputs = shape[1] if len(shape) > 1 else 1
    expect(core_name, core, (a.shape[0], rank, *shape[2:]))
    expect(a_name, a, (a.shape[0], shape[0]))
    expect(b_name, b, (rank, inputs))
    return tucker(core, a.reshape(-1, shape[0]).T, b.reshape(rank, inputs)).reshape(shape[0], -1)


def _kronecker(parts: Parts, shape: Shape, alpha: float | None) -> torch.Tensor:
    """LoKr: w1 ⊗ w2, each whole or a product; α/r only where one of them is a product."""
    first, first_rank = _kron_factor(parts, "lokr_w1", shape)
    second, second_rank = _kron_factor(parts, "lokr_w2", shape)
    columns = math.prod(shape[1:])
    if first.shape[0] * second.shape[0] != shape[0] or first.shape[1] * second.shape[1] != columns:
        claimed = (first.shape[0] * second.shape[0], first.shape[1] * second.shape[1])
        refuse("lokr_w2" if "lokr_w2" in parts else "lokr_w2_b", claimed, (shape[0], columns))
    rank = second_rank or first_rank
    return torch.kron(first, second).reshape(shape) * (scale_of(alpha, rank) if rank else 1.0)


def _kron_factor(parts: Parts, name: str, shape: Shape) -> tuple[torch.Tensor, int | None]:
    """One factor as a matrix, a kernel's sides in its columns, and the rank if it is a product."""
    rows, columns = shape[0], math.prod(shape[1:])
    if name in parts:
        (whole,) = need(parts, name)
        if whole.ndim < 2:
            refuse(name, whole.shape, shape)
        return whole.flatten(1), None
    a, b = need(parts, f"{name}_a", f"{name}_b")
    if a.ndim < 2 or b.ndim < 2:
        refuse(f"{name}_a", a.shape, shape)
    rank = rank_of(f"{name}_b", b)
    if name == "lokr_w2" and "lokr_t2" in parts:
        (core,) = need(parts, "lokr_t2")
        expect("lokr_t2", core, (a.shape[0], rank, *shape[2:]))
        if a.shape[1] > rows or math.prod(b.shape[1:]) > columns:
            refuse(f"{name}_b", b.shape, shape)
        return tucker(core, a.flatten(1).T, b.flatten(1)).flatten(1), rank
    if a.shape[0] > rows or math.prod(b.shape[1:]) > columns or math.prod(a.shape[1:]) != rank:
        refuse(f"{name}_a", a.shape, (rows, rank))
    return a.flatten(1) @ b.flatten(1), rank


_Form = Callable[[Parts, Shape, float | None], torch.Tensor]
_FORMS: Final[tuple[tuple[_Form, tuple[str, ...]], ...]] = (
    (_low_rank, ("down", "up", "mid")),
    (_embedding, ("embedding_",)),
    (_hadamard, ("hada_",)),
    (_kronecker, ("lokr_",)),
    (_whole, ("diff",)),
)


def _decomposed(parts: Parts, weight: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    """DoRA: with V = W + ΔW the whole change is m·V/‖V‖ − W.

    m and the norm run over output rows, or, as LyCORIS first did, over input columns; a magnitude's shape tells which.
    A strength other than 1 scales the whole change, so that 0 is the layer itself.
    """
    directed = weight + added
    magnitude, side = _magnitude(parts, directed)
    others = [number for number in range(directed.ndim) if number != side]
    length = torch.linalg.vector_norm(directed, dim=others, keepdim=True) + _EPSILON
    sides = [-1 if number == side else 1 for number in range(directed.ndim)]
    changed: torch.Tensor = directed * (magnitude.reshape(sides) / length)
    return changed - weight


def _magnitude(parts: Parts, directed: torch.Tensor) -> tuple[torch.Tensor, int]:
    if directed.ndim < 2:
        raise PartFault("wrong_shape", "dora_scale", shape=[], expected=list(directed.shape))
    rows, columns = directed.shape[:2]
    if "magnitude" in parts:  # peft: always rows, (out,) or (1, out, 1, 1)
        magnitude, side = parts["magnitude"], 0
    else:
        magnitude = parts["dora_scale"]
        is_column = magnitude.ndim > 1 and magnitude.shape[0] == 1 and magnitude.shape[1] == columns
        side = 1 if is_column and not (rows == 1 and columns == 1) else 0
    expected = columns if side else rows
    if magnitude.numel() != expected or max(magnitude.shape, default=1) != expected:
        refuse("dora_scale" if "dora_scale" in parts else "magnitude", magnitude.shape, (expected, 1))
    return magnitude, side
