"""What cannot be rendered, said before anything is queued."""

from __future__ import annotations

from typing import Final

from inference.engine.checks import unsupported
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
    """Raises InvalidInput for what the engine cannot render, and names the value that does not fit."""
    refused = unsupported(plan)
    if refused is not None:
        raise render_refusal(refused.code, refused.field, refused.params)


def field_of(role: str) -> str:
    """The value of a request that a role stands for."""
    return _FIELDS.get(role, role)
