"""The checkpoint on which adapters of a base model are shown when nothing else is said."""

from __future__ import annotations

from django.utils.translation import gettext as _

from community.errors import InvalidInput, NotAllowed
from community.models import User
from inference.models import FamilyDefault
from registry.formats.catalog import BASE_MODELS
from registry.models import ModelVersion
from registry.policies import is_public


def set_default(base_model: str, version: ModelVersion, *, by: User | None) -> FamilyDefault:
    """From now on adapters of this base model are shown on that version. `by` None: the site itself.

    Raises InvalidInput unless it is a published checkpoint of the base model's family that everybody may render with.
    """
    if by is not None and not by.is_moderator:
        raise NotAllowed(_("Only the staff of the site chooses default checkpoints."))
    row, base = BASE_MODELS.get(base_model), BASE_MODELS.get(version.base_model)
    if row is None:
        raise InvalidInput(_("There is no such base model."), field="base_model")
    if not is_public(version) or version.model.type != "checkpoint":
        raise InvalidInput(_("Choose a published checkpoint."), field="version")
    if base is None or base.family != row.family:
        raise InvalidInput(_("This checkpoint belongs to another family of base models."), field="version")
    if not version.model.render_here:
        raise InvalidInput(_("Its author does not allow rendering with it here."), field="version")
    default, _made = FamilyDefault.objects.update_or_create(
        base_model=base_model, defaults={"version": version, "set_by": by}
    )
    return default


def clear_default(base_model: str, *, by: User) -> None:
    """From now on adapters of this base model get no automatic previews."""
    if not by.is_moderator:
        raise NotAllowed(_("Only the staff of the site chooses default checkpoints."))
    FamilyDefault.objects.filter(base_model=base_model).delete()


def default_checkpoint(base_model: str) -> ModelVersion | None:
    """The published version that the staff chose for this base model, or for another member of its family."""
    row = BASE_MODELS.get(base_model)
    if row is None:
        return None
    family = [other.id for other in BASE_MODELS.values() if other.family == row.family]
    chosen = FamilyDefault.objects.filter(base_model__in=family, version__in=ModelVersion.objects.published())
    found = {default.base_model: default.version for default in chosen.select_related("version__model__owner")}
    return found.get(base_model) or next((found[name] for name in family if name in found), None)


def choose_sample_defaults(owner: User) -> None:
    """Let the samples' checkpoints be defaults where the staff chose none yet (`settings.SAMPLE_LISTENERS`)."""
    own = ModelVersion.objects.published().filter(model__owner=owner, model__type="checkpoint", model__render_here=True)
    for version in own.order_by("published_at", "pk"):
        if not FamilyDefault.objects.filter(base_model=version.base_model).exists():
            set_default(version.base_model, version, by=None)
