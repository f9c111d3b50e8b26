"""The algebra of adapters that work on a layer's own weight W: they turn it, weigh it, or mix it.

OFT (Qiu et al. 2023, as kohya-ss/sd-scripts and LyCORIS store it): the rows of W, in blocks, are turned by rotations
that differ from layer to layer. (IA)³ (Liu et al. 2022, as LyCORIS stores it): rows or columns are multiplied.
GLoRA (Chavan et al. 2023, as LyCORIS stores it): ΔW = W·A + B with A and B of low rank. A strength other than 1 scales
the whole change, so that 0 is the layer itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from inference.engine.lora_parts import (
    MAX_RANK,
    PartFault,
    Parts,
    Shape,
    expect,
    need,
    rank_of,
    refuse,
    scale_of,
    tucker,
)

_TINY: Final = 1e-8  # both trainers add it to norms


def _turned(parts: Parts, weight: torch.Tensor, constraint: float | None) -> torch.Tensor:
    """R·W − W, a rotation for each block of rows; with `rescale`, rows are multiplied after that.

    What a file calls alpha is the bound of ‖Q‖, as a share of the rows; 0 or none: unbounded.
    """
    name = "oft_blocks" if "oft_blocks" in parts else "oft_diag"
    (blocks,) = need(parts, name)
    rows = weight.shape[0]
    count, side = blocks.shape[0], blocks.shape[-1]
    if blocks.ndim != 3 or count * side != rows or side > MAX_RANK:
        refuse(name, blocks.shape, (max(1, rows // max(1, side)), side, side))
    expect(name, blocks, (count, side, side))
    rotations = _rotations(blocks, constraint) if name == "oft_blocks" else _stored_rotations(blocks)
    turned = torch.einsum("knm,knc->kmc", rotations, weight.reshape(count, side, -1)).reshape(rows, -1)
    if "rescale" in parts:
        (rescale,) = need(parts, "rescale")
        if rescale.numel() != rows:
            refuse("rescale", rescale.shape, (rows, 1))
        turned = turned * rescale.reshape(rows, 1)
    return turned.reshape(weight.shape) - weight


def _rotations(blocks: torch.Tensor, constraint: float | None) -> torch.Tensor:
    """(I + Q)(I − Q)⁻¹ of Q = B − Bᵀ, Cayley's way from any matrix to a rotation; I − Q has always an inverse."""
    skew = blocks - blocks.transpose(1, 2)
    if constraint:
        length = torch.linalg.vector_norm(skew)
        bound = constraint * blocks.shape[0] * blocks.shape[-1]
        skew = skew * ((length.clamp(max=bound) + _TINY) / (length + _TINY))
    eye = torch.eye(blocks.shape[-1], device=blocks.device)
    inverse, _ = torch.linalg.inv_ex(eye - skew)  # without raising: what is not finite is refused with the sum
    rotations: torch.Tensor = (eye + skew) @ inverse
    return rotations


def _stored_rotations(blocks: torch.Tensor) -> torch.Tensor:
    """LyCORIS once stored R itself, and before that R − I, under one name: a trained R has a diagonal near 1."""
    diagonal = torch.diagonal(blocks, dim1=1, dim2=2).mean()
    return blocks if diagonal > 0.5 else blocks + torch.eye(blocks.shape[-1], device=blocks.device)


def _weighed(parts: Parts, weight: torch.Tensor, _alpha: float | None) -> torch.Tensor:
    """W·w over columns where it was trained `on_input`, over rows otherwise; w is what is added to 1."""
    if "on_input" not in parts or "ia3" not in parts:
        raise PartFault("missing_pair", missing=[name for name in ("ia3", "on_input") if name not in parts])
    (factors,) = need(parts, "ia3")
    side = int(bool(parts["on_input"]))
    if weight.ndim <= side or factors.numel() != weight.shape[side]:
        refuse("ia3", factors.shape, (weight.shape[min(side, weight.ndim - 1)],))
    return weight * factors.reshape([-1 if number == side else 1 for number in range(weight.ndim)])


def _mixed(parts: Parts, weight: torch.Tensor, alpha: float | None) -> torch.Tensor:
    """α/r · (W·a1·a2 + b1·b2). LyCORIS' first files have each pair the other way round: W·a2·a1 + b2·b1."""
    a1, a2, b1, b2 = need(parts, "glora_a1", "glora_a2", "glora_b1", "glora_b2")
    shape = tuple(weight.shape)
    if len(shape) < 2:
        refuse("glora_b1", b1.shape, shape)
    if b1.shape[0] == shape[0] and b1.ndim > 1 and b1.shape[1] == b2.shape[0]:
        names = ("glora_a1", "glora_a2", "glora_b1", "glora_b2")
    else:
        names, (a1, a2, b1, b2) = ("glora_a2", "glora_a1", "glora_b2", "glora_b1"), (a2, a1, b2, b1)
    rank, inputs = rank_of(names[3], b2), shape[1]
    expect(names[0], a1, (inputs, rank))
    expect(names[1], a2, (rank, inputs))
    expect(names[2], b1, (shape[0], rank))
    narrow = torch.einsum("oi...,ir->or...", weight, a1.reshape(inputs, rank))
    change = torch.einsum("or...,ri->oi...", narrow, a2.reshape(rank, inputs))
    return (change + _added(parts, b1.reshape(shape[0], rank), b2, names[3], shape)) * scale_of(alpha, rank)


def _added(parts: Parts, out: torch.Tensor, inputs: torch.Tensor, name: str, shape: Shape) -> torch.Tensor:
    """The low-rank B of GLoRA. A convolution's kernel stands in the part of the inputs, or (Tucker) in `bm`."""
    rank = out.shape[1]
    if "glora_bm" in parts:
        (core,) = need(parts, "glora_bm")
        expect("glora_bm", core, (rank, rank, *shape[2:]))
        expect(name, inputs, (rank, shape[1]))
        return tucker(core, out, inputs.reshape(rank, shape[1])).reshape(shape)
    expect(name, inputs, (rank, *shape[1:]))
    return (out @ inputs.reshape(rank, -1)).reshape(shape)


_Form = Callable[[Parts, torch.Tensor, float | None], torch.Tensor]
FORMS: Final[tuple[tuple[_Form, tuple[str, ...]], ...]] = (
    (_turned, ("oft_",)),
    (_weighed, ("ia3", "on_input")),
    (_mixed, ("glora_",)),
)
