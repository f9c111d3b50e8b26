"""What cannot be rendered, said before anything is queued."""

from __future__ import annotations

from typing import Final

from inference.prompts.plan import RenderPlan
from inference.services.ingredients import render_refusal

_FIELDS: Final = {
    "checkpoint": "version",
    "vae": "vae",
    "lora": "loras",
    "embedding": "embeddings",
    "hypernet": "hypernets",
    "controlnet": "control",
}


def refuse_unsupported(plan: RenderPlan) -> None:
    """Raises InvalidInput for a mix that no worker can render, and names the value that does not fit."""
    checkpoint = plan.checkpoint
    for item in plan.ingredients[1:]:
        if item.family and checkpoint.family and item.family != checkpoint.family:
            words = {"name": item.name, "found": item.base_model, "wanted": checkpoint.base_model}
            raise render_refusal("other_family", field_of(item.role), words)


def field_of(role: str) -> str:
    """The value of a request that a role stands for."""
    return _FIELDS.get(role, role)
