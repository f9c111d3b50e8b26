"""What can be rendered with what: checkpoints that a person may choose, and what fits the one they chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.db.models import Case, IntegerField, Prefetch, Value, When

from inference.prompts.plan import Role
from inference.services.defaults import default_checkpoint
from inference.services.ingredients import ROLE_TYPES, stem_of
from inference.services.previewing import LORA_WEIGHT
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.models import ModelFile, ModelVersion
from registry.models.files import Verdict
from registry.policies import Viewer

_MOST: Final = 200


@dataclass(frozen=True)
class Fitting:
    """A version that goes with a checkpoint. `words` is what to type into the prompt; empty where it is chosen."""

    version: ModelVersion
    name: str
    words: str


@dataclass(frozen=True)
class Fit:
    """Everything that goes with one checkpoint, best known first, by role."""

    loras: list[Fitting] = field(default_factory=list)
    hypernets: list[Fitting] = field(default_factory=list)
    embeddings: list[Fitting] = field(default_factory=list)
    vaes: list[Fitting] = field(default_factory=list)
    controlnets: list[Fitting] = field(default_factory=list)

    @property
    def typed(self) -> list[Fitting]:
        """Those that are written into the prompt."""
        return [*self.loras, *self.hypernets, *self.embeddings]


def checkpoints_for(person: Viewer) -> list[ModelVersion]:
    """Checkpoints that this person may render with, their own first, then the most used ones."""
    rows = _renderable(person, "checkpoint")
    own = Case(When(model__owner_id=person.pk, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(rows.order_by(own, "-download_count", "-pk")[:_MOST])


def fit_for(checkpoint: ModelVersion | None, person: Viewer) -> Fit:
    """What goes with a checkpoint: renderable versions of its family."""
    base = BASE_MODELS.get(checkpoint.base_model) if checkpoint is not None else None
    if base is None:
        return Fit()
    family = [row.id for row in BASE_MODELS.values() if row.family == base.family]

    def of(role: Role) -> list[Fitting]:
        rows = _renderable(person, role).filter(base_model__in=family)
        return [fitting_of(version) for version in rows.order_by("-download_count", "-pk")[:_MOST]]

    return Fit(of("lora"), of("hypernet"), of("embedding"), of("vae"), of("controlnet"))


def fitting_of(version: ModelVersion) -> Fitting:
    """The version with the name and the words by which a prompt asks for it. Needs its files, safe ones alone."""
    file = version.safe_files[0]
    name = stem_of(file.name)
    words = {"lora": f"<lora:{name}:{LORA_WEIGHT}>", "hypernet": f"<hypernet:{name}:1>"}
    role = role_of(version)
    return Fitting(version, name, f"embedding:{name}" if role == "embedding" else words.get(role or "", ""))


def start_for(version: ModelVersion, person: Viewer) -> dict[str, object]:
    """What the form begins with when somebody comes from a version's page: the fields it fills. Empty: it cannot."""
    found = _with_safe_files(ModelVersion.objects.renderable_by(person)).filter(pk=version.pk).first()
    role = role_of(version)
    if found is None or role is None or not found.safe_files:
        return {}
    if role == "checkpoint":
        return {"version": version.pk}
    base = default_checkpoint(version.base_model)
    start: dict[str, object] = {"version": base.pk} if base else {}
    words = fitting_of(found).words
    if words:
        trained = version.trained_words[0] if version.trained_words else ""
        start["prompt"] = ", ".join(part for part in (words, trained) if part)
    return (
        start
        | ({"vae": version.pk} if role == "vae" else {})
        | ({"control": version.pk} if role == "controlnet" else {})
    )


def role_of(version: ModelVersion) -> Role | None:
    """What a version is in a render; None for a type that is not rendered with."""
    return next((role for role, types in ROLE_TYPES.items() if version.model.type in types), None)


def type_label(version: ModelVersion) -> str:
    return MODEL_TYPES[version.model.type].label


def _renderable(person: Viewer, role: Role):
    rows = (
        ModelVersion.objects.renderable_by(person)
        .within_level_of(person)
        .filter(model__type__in=ROLE_TYPES[role], files__blob__verdict=Verdict.SAFE)
    )
    return _with_safe_files(rows).distinct()


def _with_safe_files(rows):
    safe = ModelFile.objects.filter(blob__verdict=Verdict.SAFE).order_by("position", "pk")
    return rows.select_related("model__owner").prefetch_related(Prefetch("files", safe, to_attr="safe_files"))
