"""Which file of a version a worker loads, and what it is. Only what the scanner calls safe is ever loaded.

A waiver lets people download a *check* file, and never a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from community.errors import InvalidInput
from inference.models.refusals import explain_render
from inference.prompts.plan import Ingredient, Role
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.models import Blob, ModelFile, ModelVersion
from registry.models.files import HashKind, Verdict

ROLE_TYPES: Final[Mapping[Role, frozenset[str]]] = {
    "checkpoint": frozenset({"checkpoint"}),
    "vae": frozenset({"vae"}),
    "lora": frozenset({"lora", "locon", "dora"}),
    "embedding": frozenset({"embedding"}),
    "hypernet": frozenset({"hypernetwork"}),
    "controlnet": frozenset({"controlnet"}),
}
_PICKLED: Final = frozenset({"hypernet"})  # safetensors have no form for what stands beside their tensors
_PRECISIONS: Final = ("fp16", "bf16", "fp32")


@dataclass(frozen=True)
class Need:
    """A version that a request names, as what, and in which of its values."""

    role: Role
    version: int
    field: str


def render_refusal(code: str, field: str, params: Mapping[str, Any] | None = None) -> InvalidInput:
    """A refusal of a render with its sentence."""
    return InvalidInput(explain_render(code, params), code=code, field=field)


def chosen_file(need: Need, version: ModelVersion) -> ModelFile:
    """The file that is loaded: safetensors before pickles, the primary one before others, half before full precision.

    Only what is safe and is that kind of model counts; where nothing does, the refusal says which of the two it was.
    """
    wanted = ROLE_TYPES[need.role]
    if version.model.type not in wanted:
        raise _wrong_kind(need, version, version.model.type)
    safe = [file for file in version.files.all() if file.blob is not None and file.blob.verdict == Verdict.SAFE]
    if not safe:
        raise render_refusal("no_safe_file", need.field, {"name": version.model.title})
    right = [file for file in safe if _type_of(file) in wanted]
    if not right:
        raise _wrong_kind(need, version, _type_of(safe[0]))
    return min(right, key=partial(_preference, need.role))


def _wrong_kind(need: Need, version: ModelVersion, found: str) -> InvalidInput:
    labels = [MODEL_TYPES[name].label for name in sorted(ROLE_TYPES[need.role])]
    words = {"name": version.model.title, "wanted": " / ".join(labels), "found": MODEL_TYPES[found].label}
    return render_refusal("not_of_this_kind", need.field, words)


def _preference(role: Role, file: ModelFile) -> tuple[bool, bool, int, int]:
    precision = _recognition(file.blob).get("precision")
    order = _PRECISIONS.index(precision) if precision in _PRECISIONS else len(_PRECISIONS)
    is_tensors = file.blob.format == "safetensors"
    return is_tensors == (role in _PICKLED), not file.is_primary, order, file.pk


def _recognition(blob: Blob) -> Mapping[str, Any]:
    return blob.facts.get("recognition") or {}


def _type_of(file: ModelFile) -> str:
    """What the bytes are, where they tell; else what the author says."""
    facts = _recognition(file.blob)
    found = facts.get("model_type")
    return found if found in MODEL_TYPES and facts.get("confidence") != "low" else file.version.model.type


def ingredient_of(need: Need, file: ModelFile) -> Ingredient:
    blob = file.blob
    hashes = {row.kind: row.value for row in blob.hashes.all()}
    base_model = base_model_of(file)
    return Ingredient(
        role=need.role,
        version=need.version,
        sha256=blob.sha256,
        size=blob.size,
        key=blob.key,
        format=blob.format,
        name=stem_of(file.name),
        type=_type_of(file),
        base_model=base_model,
        family=BASE_MODELS[base_model].family if base_model in BASE_MODELS else "",
        autov2=hashes.get(HashKind.AUTOV2, ""),
        autov3=hashes.get(HashKind.AUTOV3, ""),
    )


def base_model_of(file: ModelFile) -> str:
    """What the author says, unless the tensors show another family."""
    said, found = file.version.base_model, _recognition(file.blob).get("base_model")
    if found not in BASE_MODELS:
        return said
    same = said in BASE_MODELS and BASE_MODELS[said].family == BASE_MODELS[found].family
    return said if same else found


def prediction_of(checkpoint: ModelFile) -> str:
    """ "v" where the file's facts or its base model say so; empty: the family's own."""
    if "v_prediction" in (_recognition(checkpoint.blob).get("variants") or ()):
        return "v"
    row = BASE_MODELS.get(base_model_of(checkpoint))
    return (row.prediction or "") if row else ""


def stem_of(name: str) -> str:
    """A file's name without its ending, as prompts write it."""
    stem, dot, _ending = name.rpartition(".")
    return stem if dot else name
