"""Prompt sets: the house's, kept up with their data file, and authors' own. A change makes a new revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import User
from community.ratings import Rating
from community.services.texts import clean_line
from inference.models import Prompt, PromptSet, PromptSetRevision
from inference.prompts.suites import HOUSE_SUITES, with_words
from inference.services.planning import read_render_request
from registry.formats.catalog import BASE_MODELS

MAX_PROMPTS: Final = 24
MAX_SETS: Final = 20
FAMILIES: Final = tuple(dict.fromkeys(row.family for row in BASE_MODELS.values()))


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """One picture of a set, as an author or the house gives it. No sides: the size that the family is used to."""

    prompt: str
    negative: str = ""
    alt: str = ""
    rating: int = int(Rating.PG)
    seed: int = 0
    width: int | None = None
    height: int | None = None
    steps: int = 20
    sampler: str = "DPM++ 2M"
    schedule_type: str = "Automatic"
    cfg_scale: float = 7.0
    clip_skip: int = 1


_STORED: Final = tuple(item.name for item in fields(StoredPrompt))


@transaction.atomic
def house_revision(family: str) -> PromptSetRevision | None:
    """The house's set of a family as its data file has it now; None where the house has none for it."""
    suite = HOUSE_SUITES.get(family)
    if suite is None:
        return None
    prompt_set, _made = PromptSet.objects.get_or_create(
        owner=None, family=family, defaults={"name": f"House suite {family}"}
    )
    stored = [
        StoredPrompt(**asdict(entry), alt=with_words(entry.prompt, "").strip().capitalize() + ".") for entry in suite
    ]
    return _revise(prompt_set, stored)


def revisions_for(family: str, owner: User) -> list[PromptSetRevision]:
    """What a version of this family and owner is shown with: the house's set, then the owner's own that are in use."""
    own = PromptSet.objects.filter(Q(family="") | Q(family=family), owner=owner, is_used=True).order_by("pk")
    found = [house_revision(family), *(prompt_set.current for prompt_set in own)]
    return [revision for revision in found if revision is not None]


@transaction.atomic
def create_set(name: str, family: str, prompts: Sequence[StoredPrompt], *, by: User) -> PromptSet:
    """An author's own set. Raises InvalidInput for what cannot be rendered, Conflict for a name that they have."""
    name = clean_line(name, "name", most=100)
    _require_family(family)
    checked = _checked(prompts)
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if by.prompt_sets.count() >= MAX_SETS:
        raise Conflict(_("You have %(most)d prompt sets; more are not kept.") % {"most": MAX_SETS}, code="too_many")
    try:
        with transaction.atomic():
            prompt_set = PromptSet.objects.create(owner=by, family=family, name=name)
    except IntegrityError:
        raise Conflict(_("You have a prompt set of this name."), code="name_taken", field="name") from None
    _revise(prompt_set, checked)
    return prompt_set


@transaction.atomic
def revise_set(prompt_set: PromptSet, prompts: Sequence[StoredPrompt], *, by: User) -> PromptSetRevision:
    """The set with these prompts from now on. Earlier revisions stay as they are; an equal one changes nothing."""
    _require_owner(prompt_set, by)
    return _revise(PromptSet.objects.select_for_update().get(pk=prompt_set.pk), _checked(prompts))


def use_set(prompt_set: PromptSet, is_used: bool, *, by: User) -> None:
    """Whether the owner's next publications are shown with it."""
    _require_owner(prompt_set, by)
    PromptSet.objects.filter(pk=prompt_set.pk).update(is_used=is_used)


@transaction.atomic
def delete_set(prompt_set: PromptSet, *, by: User) -> None:
    """Forget a set. One that pictures were rendered from is kept for their sake and is only not used any more."""
    _require_owner(prompt_set, by)
    if prompt_set.revisions.filter(rendered__isnull=False).exists():
        raise Conflict(
            _("Pictures were rendered from this set, and name it. Stop using it instead."), code="set_in_use"
        )
    prompt_set.delete()


def _revise(prompt_set: PromptSet, prompts: Sequence[StoredPrompt]) -> PromptSetRevision:
    PromptSet.objects.select_for_update().get(pk=prompt_set.pk)
    current = prompt_set.current
    if current is not None and _as_stored(current.prompts.order_by("index")) == list(prompts):
        return current
    revision = PromptSetRevision.objects.create(set=prompt_set, number=current.number + 1 if current else 1)
    Prompt.objects.bulk_create(
        Prompt(revision=revision, index=index, **asdict(entry)) for index, entry in enumerate(prompts)
    )
    return revision


def _as_stored(rows: Iterable[Prompt]) -> list[StoredPrompt]:
    found = [{name: getattr(row, name) for name in _STORED} for row in rows]
    return [StoredPrompt(**{**values, "seed": int(values["seed"])}) for values in found]


def _checked(prompts: Sequence[StoredPrompt]) -> list[StoredPrompt]:
    if not prompts:
        raise InvalidInput(_("Add at least one prompt."), field="prompts")
    if len(prompts) > MAX_PROMPTS:
        raise InvalidInput(_("A set has at most %(most)d prompts.") % {"most": MAX_PROMPTS}, field="prompts")
    for index, entry in enumerate(prompts):
        _check(entry, index)
    return list(prompts)


def _check(entry: StoredPrompt, index: int) -> None:
    asked: dict[str, Any] = {name: value for name, value in asdict(entry).items() if name not in {"alt", "rating"}}
    try:
        read_render_request({"version": 1, **asked})
    except InvalidInput as refusal:
        raise InvalidInput(refusal.detail, code=refusal.code, field=f"prompts.{index}.{refusal.field}") from None
    if entry.rating not in {int(rating) for rating in Rating}:
        raise InvalidInput(_("Choose a rating."), field=f"prompts.{index}.rating")
    clean_line(entry.alt, f"prompts.{index}.alt", most=500)


def _require_family(family: str) -> None:
    if family and family not in FAMILIES:
        raise InvalidInput(_("There is no such family of base models."), field="family")


def _require_owner(prompt_set: PromptSet, by: User) -> None:
    if prompt_set.owner_id is None or prompt_set.owner_id != by.pk:
        raise NotAllowed(_("Only its owner may change a prompt set."))
