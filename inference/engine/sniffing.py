"""What a file really is, asked before anything is made of it: its tensors decide, not its name or its place."""

from __future__ import annotations

from pathlib import Path

from inference.engine.errors import BadIngredient
from inference.engine.families import FOREIGN_MEMBERS, VELOCITY_MEMBERS, Family
from inference.engine.weights import WeightFile, is_safetensors, open_weights
from registry.formats.architecture import Recognition, recognize
from registry.formats.safetensors import read_header
from registry.formats.tensors import TensorInfo

_CANNOT = frozenset({"instruct_pix2pix", "depth", "refiner", "distilled", "edm", "fp8_scaled"})


def sniff(path: Path, role: str, name: str) -> Recognition:
    """Recognize the file at `path`. Raises BadIngredient (`unreadable_file`) for one that cannot be read."""
    with open_weights(path, role, name) as file:
        tensors, metadata = _tensors(path, file), dict(file.metadata)
    return recognize(tensors, metadata)


def _tensors(path: Path, file: WeightFile) -> list[TensorInfo]:
    if is_safetensors(path):
        with path.open("rb") as stream:
            return list(read_header(stream, path.stat().st_size).tensors)
    return [TensorInfo(key, "F32", shape, 0, 0) for key, shape in file.shapes.items()]


def check_kind(found: Recognition, kind: str, role: str, name: str) -> None:
    """Refuse a file that is something else than it was given as."""
    if found.model_type != kind:
        raise BadIngredient("not_of_kind", role, name=name, wanted=kind, found=found.model_type)


def check_family(found: Recognition, family: Family, role: str, name: str) -> None:
    """Refuse a file whose tensors show another family. Where they cannot tell, loading will."""
    if found.family is not None and found.family != family.id:
        raise BadIngredient("other_family", role, name=name, wanted=family.id, found=found.family)


def architecture_of(found: Recognition, family: Family, base_model: str, name: str, *, velocity: bool) -> str:
    """Which of the family's architectures a checkpoint has. Raises BadIngredient for one that is not known."""
    strange = next((variant for variant in found.variants if variant in _CANNOT), None)
    if strange is not None or base_model in FOREIGN_MEMBERS or found.base_model in FOREIGN_MEMBERS:
        raise BadIngredient("unknown_variant", "checkpoint", name=name, variant=strange or base_model)
    inpaint = "_inpaint" if "inpainting" in found.variants else ""
    if family.id == "sd2" and velocity and not inpaint:
        return "sd2_v"
    if family.id == "sd3":
        return _sd3_member(found.base_model or base_model)
    if family.id == "flux1":
        return "flux_schnell" if (found.base_model or base_model) == "Flux.1 S" else "flux_dev"
    return family.id + inpaint


def _sd3_member(base_model: str) -> str:
    if base_model.startswith("SD 3.5 Large"):
        return "sd35_large"
    return "sd35_medium" if base_model == "SD 3.5 Medium" else "sd3_medium"


def predicts_velocity(found: Recognition, base_model: str, prediction: str) -> bool:
    """Whether the model predicts velocity: what the request says, what the tensors show, what its base always does."""
    if prediction:
        return prediction == "v"
    return "v_prediction" in found.variants or base_model in VELOCITY_MEMBERS
