"""What is this model file? Recognition from tensor names, shapes and types, with the metadata as a witness.

The tensors decide; the metadata picks a member of the family that the tensors show, and is contradicted aloud where it
names another. A file's or base's name is a hint and never more. "Cannot tell" is an answer: no base, but candidates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from registry.formats.catalog import BASE_MODELS, BaseModel, declared_base_model
from registry.formats.finding import NOTES, Confidence, Finding
from registry.formats.kinds import find_kind
from registry.formats.metadata import Training, read_training
from registry.formats.names import NameIndex
from registry.formats.precision import read_precision
from registry.formats.tensors import TensorInfo

_VELOCITY: Final = frozenset({"v", "v_prediction", "v-prediction", "velocity"})
_NEEDS_PREDICTION: Final = frozenset({"checkpoint", "unet"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something to show beside the answer: a code of finding.NOTES and its English sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What a declared text suggests. `source` is where it stands, e.g. "ss_sd_model_name"; `text` what stands there."""

    base_model: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """The answer. Ids are those of the catalog.

    `base_model` is None where the tensors cannot tell; `base_candidates` then are what they leave open, else the
    family's members with the likeliest first. `precision_share` is that precision's share of the bytes, 0 to 1.
    `pruned` is None for what has no EMA copy to lose. `variants` are inpainting, instruct_pix2pix, depth, refiner,
    distilled, control, edm, v_prediction, zero_snr, fp8_scaled, dora.
    """

    model_type: str
    base_model: str | None
    base_candidates: tuple[str, ...]
    family: str | None
    format: str
    variants: tuple[str, ...]
    precision: str | None
    precision_share: float
    pruned: bool | None
    rank: int | None
    rank_varies: bool
    vectors: int | None
    parts: tuple[str, ...]
    notes: tuple[Note, ...]
    confidence: Confidence
    hints: tuple[Hint, ...]
    trigger_words: tuple[str, ...]
    training: Training


def recognize(tensors: Sequence[TensorInfo], metadata: Mapping[str, str], *, file_name: str = "") -> Recognition:
    """Say what a file is. Never raises on hostile input; takes time linear in the tensors and the metadata."""
    index = NameIndex(tensors)
    training = read_training(metadata)
    finding = find_kind(index)
    hints = tuple(_hints(finding, training, file_name))
    _listen_to_metadata(finding, training)
    _tell_prediction(finding, index, training)
    precision = read_precision(tensors, index)
    if precision.is_scaled:
        finding.variants.append("fp8_scaled")
        finding.notes.append("fp8_scaled")
    return Recognition(
        model_type=finding.model_type,
        base_model=finding.base,
        base_candidates=_candidates(finding, hints),
        family=BASE_MODELS[finding.base].family if finding.base else None,
        format=finding.format,
        variants=tuple(dict.fromkeys(finding.variants)),
        precision=precision.name,
        precision_share=precision.share,
        pruned=finding.pruned,
        rank=finding.rank,
        rank_varies=finding.rank_varies,
        vectors=finding.vectors,
        parts=finding.parts,
        notes=tuple(Note(code, NOTES[code]) for code in dict.fromkeys(finding.notes)),
        confidence=_confidence(finding),
        hints=hints,
        trigger_words=training.trigger_words,
        training=training,
    )


def _listen_to_metadata(finding: Finding, training: Training) -> None:
    declared = _declared(training)
    if declared is None or finding.base is None or finding.is_exact:
        return
    if declared.family != BASE_MODELS[finding.base].family:
        finding.notes.append("metadata_contradicts")
    elif not declared.leads:
        # The tensors leave the member open and the trainer wrote it down.
        finding.base = declared.id


def _declared(training: Training) -> BaseModel | None:
    declared = declared_base_model(training.architecture, training.base_version)
    return BASE_MODELS["SD 2.1"] if declared is None and training.is_sd2 else declared


def _tell_prediction(finding: Finding, index: NameIndex, training: Training) -> None:
    """v-prediction: marker tensors, a declared type, or an architecture that always does it."""
    row = BASE_MODELS[finding.base] if finding.base else None
    declared = (training.prediction_type or "").lower()
    predicts_velocity = (
        "v_pred" in index.by_name or declared in _VELOCITY or (row is not None and row.prediction == "v")
    )
    if "ztsnr" in index.by_name:
        finding.variants.append("zero_snr")
    if predicts_velocity:
        finding.variants.append("v_prediction")
        if row is not None and row.id == "SD 2.1" and not finding.is_exact:
            finding.base = "SD 2.1 768"
    elif row is not None and row.family == "sd2" and not declared and finding.model_type in _NEEDS_PREDICTION:
        finding.notes.append("prediction_not_told")


def _hints(finding: Finding, training: Training, file_name: str) -> Iterator[Hint]:
    """What declared texts suggest where the tensors leave the member or the family open."""
    if finding.is_exact or finding.model_type in ("upscaler", "other"):
        return
    family = BASE_MODELS[finding.base].family if finding.base else None
    if family is None and (declared := _declared(training)):
        yield Hint(declared.id, "metadata", training.architecture or training.base_version or "ss_v2")
    sources = {
        "ss_sd_model_name": training.base_name,
        "modelspec.title": training.title,
        "modelspec.merged_from": training.merged_from,
        "ss_output_name": training.output_name,
        "file name": file_name,
    }
    for row in BASE_MODELS.values():
        if row.words and (row.family == family or row.id in finding.candidates):
            for source, text in sources.items():
                if text and any(word in text.casefold() for word in row.words):
                    yield Hint(row.id, source, text[:200])
                    break


def _candidates(finding: Finding, hints: tuple[Hint, ...]) -> tuple[str, ...]:
    if finding.is_exact:
        return finding.candidates
    first = [finding.base] if finding.base and not BASE_MODELS[finding.base].leads else []
    hinted = [hint.base_model for hint in hints]
    return tuple(dict.fromkeys([*first, *hinted, *finding.candidates]))


def _confidence(finding: Finding) -> Confidence:
    if finding.confidence != "high":
        return finding.confidence
    needs_base = finding.model_type not in ("vae", "text_encoder", "other")
    if "metadata_contradicts" in finding.notes:
        return "medium"
    return "medium" if needs_base and finding.base is None else "high"
