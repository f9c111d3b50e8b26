"""Models as cards of a grid, at a fixed number of queries for a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.models import RegisteredModel, VersionPreview
from registry.models.files import Verdict
from registry.policies import Viewer
from registry.services.pictures import covers_for_models

# From best to worst: a card shows the worst of what can be had.
_WORST_LAST = (Verdict.SAFE, Verdict.PENDING, Verdict.CHECK, Verdict.UNREADABLE, Verdict.BLOCKED)


@dataclass(frozen=True)
class Card:
    """What `components/model_card.html` draws."""

    model: RegisteredModel
    cover: VersionPreview | None
    bases: tuple[str, ...]
    verdict: str


def cards_of(models: Sequence[RegisteredModel], viewer: Viewer) -> list[Card]:
    """Cards in the order of `models` (from `for_cards`). The cover is the first picture the viewer may see."""
    covers = covers_for_models([model.pk for model in models], viewer)
    return [_card(model, covers.get(model.pk)) for model in models]


def _card(model: RegisteredModel, cover: VersionPreview | None) -> Card:
    bases = dict.fromkeys(version.base_model for version in model.published_versions)
    verdicts = [Verdict(file.verdict) for version in model.published_versions for file in version.files.all()]
    return Card(model, cover, tuple(bases), max(verdicts, key=_WORST_LAST.index, default=Verdict.PENDING))
