"""What the engine cannot render, said before anything is loaded. Imports neither torch nor Django: anybody may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inference.engine.families import FAMILIES, FOREIGN_MEMBERS, Family
from inference.engine.scripts import write_script
from inference.prompts.plan import Ingredient, RenderPlan, Role
from inference.prompts.request import RequestRefused
from inference.prompts.samplers import find_sampler

_KINDS: Final[dict[Role, frozenset[str]]] = {
    "checkpoint": frozenset({"checkpoint"}),
    "vae": frozenset({"vae"}),
    "lora": frozenset({"lora", "locon", "dora"}),
    "embedding": frozenset({"embedding"}),
    "hypernet": frozenset({"hypernetwork"}),
    "controlnet": frozenset({"controlnet"}),
}
_FIELDS: Final[dict[Role, str]] = {
    "checkpoint": "version",
    "vae": "vae",
    "lora": "loras",
    "embedding": "embeddings",
    "hypernet": "hypernets",
    "controlnet": "control",
}
_PICKLED: Final = frozenset({"torch-zip", "torch-legacy"})
FORMATS: Final = frozenset({"safetensors"}) | _PICKLED
_FLOW_SAMPLERS: Final = ("Euler",)
MAX_SIDE: Final = 4096  # of a second pass, in pixels


def unsupported(plan: RenderPlan) -> RequestRefused | None:
    """Why the engine cannot render a plan, naming the field of the request; None where it can.

    What only the files' tensors tell is found when they are loaded.
    """
    family = FAMILIES.get(plan.checkpoint.family)
    if family is None or plan.checkpoint.base_model in FOREIGN_MEMBERS:
        return _refused("family_not_rendered", "version", base_model=plan.checkpoint.base_model)
    for check in _CHECKS:
        found = check(plan, family)
        if found is not None:
            return found
    return None


def _refused(code: str, field: str, **params: object) -> RequestRefused:
    return RequestRefused(code, field, **params)


def _files(plan: RenderPlan, family: Family) -> RequestRefused | None:
    for item in plan.ingredients:
        found = _kind(item) or _family(item, plan.checkpoint)
        if found is not None:
            return found
    return None


def _kind(item: Ingredient) -> RequestRefused | None:
    field = _FIELDS[item.role]
    if item.type not in _KINDS[item.role]:
        wanted = " / ".join(sorted(_KINDS[item.role]))
        return _refused("not_of_this_kind", field, name=item.name, wanted=wanted, found=item.type)
    known = _PICKLED if item.role == "hypernet" else FORMATS
    if item.format not in known:
        return _refused("unloadable_format", field, name=item.name, format=item.format)
    return None


def _family(item: Ingredient, checkpoint: Ingredient) -> RequestRefused | None:
    if not item.family or item.family == checkpoint.family:
        return None
    words = {"name": item.name, "found": item.base_model, "wanted": checkpoint.base_model}
    return _refused("other_family", _FIELDS[item.role], **words)


def _size(plan: RenderPlan, family: Family) -> RequestRefused | None:
    request = plan.request
    for name, side in (("width", request.width), ("height", request.height)):
        if side % family.side_step:
            return _refused("not_a_multiple", name, step=family.side_step)
        if request.hires is not None and side * request.hires.scale > MAX_SIDE:
            return _refused("too_large", "hires.scale", most=round(MAX_SIDE / side, 2))
    return None


def _sampler(plan: RenderPlan, family: Family) -> RequestRefused | None:
    try:
        sampler, schedule = find_sampler(plan.request.sampler, plan.request.schedule_type)
    except KeyError:
        return _refused("unknown_sampler", "sampler")
    if family.is_unet:
        return None
    if sampler.name not in _FLOW_SAMPLERS:
        return _refused("sampler_not_for_family", "sampler", samplers=", ".join(_FLOW_SAMPLERS))
    if schedule.settings:
        return _refused("schedule_not_for_family", "schedule_type")
    return None


def _parts(plan: RenderPlan, family: Family) -> RequestRefused | None:
    """A family that follows a flow is rendered from text alone, with adapters."""
    request = plan.request
    if family.is_unet:
        return None
    asked = (
        ("init", request.init),
        ("mask", request.mask),
        ("hires", request.hires),
        ("control", request.control),
        ("hypernets", request.hypernets),
        ("embeddings", request.embeddings),
        ("variation", request.variation),
    )
    field = next((name for name, value in asked if value), None)
    base_model = plan.checkpoint.base_model
    return _refused("not_for_family", field, base_model=base_model) if field else None


def _prompts(plan: RenderPlan, family: Family) -> RequestRefused | None:
    request = plan.request
    try:
        write_script(request.prompt, request.negative, request.steps)
    except ValueError as fault:
        return _refused("prompt_too_large", "prompt", reason=str(fault))
    return None


_CHECKS: Final[tuple[Callable[[RenderPlan, Family], RequestRefused | None], ...]] = (
    _files,
    _size,
    _sampler,
    _parts,
    _prompts,
)
