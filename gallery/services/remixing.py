"""From how a picture was made to a form that renders it again: what is known here is taken over, the rest is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from community.models import User
from gallery.imagemeta.generation import Generation
from gallery.models import Image
from gallery.services.resources import find_version, suggest_version
from inference.prompts.networks import extract_networks, number_text
from inference.prompts.samplers import find_sampler
from inference.services.fitting import role_of
from inference.services.ingredients import stem_of
from registry.models import ModelVersion
from registry.policies import can_render

_STEP: Final = 8


@dataclass
class Remix:
    """What the form begins with, and sentences on what could not be taken over."""

    start: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Used:
    """A model that a picture was made with; `version` where this person may see which one it is here."""

    name: str
    kind: str
    weight: float | None
    version: ModelVersion | None


def remix_image(image: Image, person: User) -> Remix:
    """A remix of a posted image, from its generation data as its author left it. Needs its resources."""
    told = image.told
    visible = ModelVersion.objects.visible_to(person).select_related("model").prefetch_related("files__blob")
    linked = visible.in_bulk([row.version_id for row in image.resources.all() if row.version_id])
    used = [
        _Used(row.name, row.kind, row.weight, linked.get(row.version_id))
        for row in image.resources.all()
    ]  # fmt: skip
    return _remix(told, used, person)


def remix_generation(generation: Generation, person: User) -> Remix:
    """A remix of what was read from a picture that is not kept."""
    used = []
    for named in generation.resources:
        found, _kind = find_version(named.hash, person)
        version = found or suggest_version(named.name, named.kind, person)
        used.append(_Used(named.name, named.kind, named.weight, version))
    told = {name: getattr(generation, name) for name in _TOLD}
    return _remix(told, used, person)


_TOLD: Final = (
    "prompt", "negative", "seed", "steps", "sampler", "schedule", "cfg_scale", "width", "height", "clip_skip",
)  # fmt: skip


def _remix(told: Mapping[str, Any], used: Iterable[_Used], person: User) -> Remix:
    remix = Remix()
    prompt, _networks = extract_networks(str(told.get("prompt") or ""))
    words = [prompt.strip()]
    for each in used:
        words += _taken_over(each, remix, person)
    remix.start["prompt"] = " ".join(word for word in words if word)[:10_000]
    remix.start["negative"] = str(told.get("negative") or "")[:10_000]
    for name in ("steps", "cfg_scale", "clip_skip"):
        if told.get(name):
            remix.start[name] = told[name]
    if told.get("seed") is not None:
        remix.start["seed"] = str(told["seed"])
    _size(told, remix)
    _sampler(told, remix)
    return remix


def _taken_over(used: _Used, remix: Remix, person: User) -> list[str]:
    """Words for the prompt; a checkpoint or VAE goes into its own field."""
    name = used.name or _("unnamed")
    if used.version is None:
        remix.notes.append(_("“%(name)s” is not here, so it was left out.") % {"name": name})
        return []
    role = role_of(used.version)
    if role is None or not can_render(person, used.version):
        title = used.version.model.title
        remix.notes.append(_("“%(name)s” cannot be rendered with here, so it was left out.") % {"name": title})
        return []
    if role in {"checkpoint", "vae"}:
        remix.start.setdefault("version" if role == "checkpoint" else "vae", used.version.pk)
        return []
    files = [file for file in used.version.files.all() if file.verdict == "safe"]
    stem = stem_of(files[0].name) if files else used.name
    weight = number_text(1.0 if used.weight is None else float(used.weight))
    tags = {
        "lora": f"<lora:{stem}:{weight}>",
        "hypernet": f"<hypernet:{stem}:{weight}>",
        "embedding": f"embedding:{stem}",
    }
    return [tags[role]] if role in tags else []


def _size(told: Mapping[str, Any], remix: Remix) -> None:
    for name in ("width", "height"):
        side = told.get(name)
        if isinstance(side, int) and side >= _STEP:
            remix.start[name] = side - side % _STEP


def _sampler(told: Mapping[str, Any], remix: Remix) -> None:
    name = str(told.get("sampler") or "")
    if not name:
        return
    try:
        sampler, schedule = find_sampler(name, str(told.get("schedule") or ""))
    except KeyError:
        remix.notes.append(_("The sampler “%(name)s” is not known here; another one was chosen.") % {"name": name[:60]})
        return
    remix.start |= {"sampler": sampler.name, "schedule_type": schedule.name}
