"""What a recogniser says about a file: its type, and how much of the base model the tensors tell."""

from dataclasses import dataclass, field
from typing import Final, Literal

from registry.formats.catalog import BASE_MODELS, family_members, leading_base_model


def gettext_noop(text: str) -> str:
    """Marks a sentence for the extraction of translations; changes nothing."""
    return text


_ = gettext_noop

Confidence = Literal["high", "medium", "low"]

# What a note means, for programs and translations; the English sentence stands here once.
NOTES: Final[dict[str, str]] = {
    "base_not_told": _("The tensors do not tell which base model this is for."),
    "member_not_told": _("The tensors tell the family of the base model, not its member."),
    "metadata_contradicts": _("The metadata names another base model than the tensors show."),
    "denoiser_only": _("Holds the denoiser alone: a text encoder and a VAE are needed beside it."),
    "no_vae": _("Holds no VAE: one is needed beside it."),
    "no_text_encoder": _("Holds no text encoder: one is needed beside it."),
    "several_adapters": _("Holds more than one adapter."),
    "text_encoder_only": _("Changes a text encoder alone."),
    "norm_layers": _("Changes normalization layers too, which not every tool applies."),
    "rank_varies": _("The rank differs between layers."),
    "fp8_scaled": _("fp8 weights with scales: a tool that ignores the scales renders white."),
    "prediction_not_told": _("The tensors do not tell whether the model predicts noise or velocity."),
    "unknown_width": _("The text width belongs to no known base model."),
    "control_lora": _("A ControlNet in the form of a LoRA."),
    "ip_adapter": _("An IP-Adapter: pictures as prompts."),
    "t2i_adapter": _("A T2I-Adapter."),
    "tiny_vae": _("A small stand-in for a VAE, for previews."),
    "clip_text_encoder": _("A CLIP text encoder."),
    "t5_text_encoder": _("A T5 text encoder."),
    "language_model": _("A language model used as a text encoder."),
    "vision_encoder": _("A vision encoder."),
    "not_a_model": _("No known kind of model."),
}


@dataclass(slots=True)
class Finding:
    """A recogniser's answer. `base` is the member that the tensors show or, where they show a family, its leader.

    `is_exact` says that the tensors tell the member itself. `candidates` are other possible ids.
    """

    model_type: str
    format: str = ""
    base: str | None = None
    is_exact: bool = False
    candidates: tuple[str, ...] = ()
    variants: list[str] = field(default_factory=list)
    parts: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    rank: int | None = None
    rank_varies: bool = False
    vectors: int | None = None
    pruned: bool | None = None
    confidence: Confidence = "high"


@dataclass(frozen=True, slots=True)
class Base:
    """How much the tensors tell of the base model. No `base` and no `candidates`: nothing."""

    base: str | None = None
    is_exact: bool = False
    candidates: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def apply_to(self, finding: Finding) -> None:
        finding.base = self.base
        finding.is_exact = self.is_exact
        finding.candidates = self.candidates
        finding.variants.extend(self.variants)
        finding.notes.extend(self.notes)


def exactly(base: str, *variants: str) -> Base:
    """The tensors tell this member."""
    return Base(base, is_exact=True, candidates=(base,), variants=variants)


def of_family(family: str, *variants: str) -> Base:
    """The tensors tell the family; its leader stands for it unless it is the only member."""
    members = family_members(family)
    leader = leading_base_model(family)
    is_exact = len(members) == 1
    notes = () if is_exact else ("member_not_told",)
    return Base(leader.id if leader else None, is_exact, members, variants, notes)


def like(base: str, *variants: str) -> Base:
    """The family of this member, which is named in place of the leader."""
    members = family_members(BASE_MODELS[base].family)
    candidates = (base, *(member for member in members if member != base))
    return Base(base, candidates=candidates, variants=variants, notes=("member_not_told",))


def one_of(*bases: str) -> Base:
    """The tensors leave several families open: nobody can tell."""
    return Base(candidates=bases, notes=("base_not_told",))


UNKNOWN: Final = Base(notes=("base_not_told",))
