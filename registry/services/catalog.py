"""Models and their versions: making and changing what is said about them. Files: `registry.services.files`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import User
from community.ratings import RATING_NAMES, Rating
from community.services.discussion import create_subject
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.catalog import LICENSES
from registry.licenses.permissions import Permissions
from registry.models import ModelRedirect, ModelVersion, RegisteredModel
from registry.services.guards import require_editor
from registry.services.listing import lock_model, refresh_listing
from registry.services.naming import chosen_name, free_name, lock_owner
from registry.services.tagging import clean_tags, set_model_tags
from registry.services.wording import clean_line, clean_text

MAX_WORDS: Final = 100


@transaction.atomic
def create_model(
    *,
    by: User,
    title: str,
    type: str,
    description: str = "",
    tags: Sequence[str] = (),
    license: str = "",
    license_text: str = "",
    permissions: Permissions | None = None,
    render_here: bool | None = None,
    declared_rating: Rating | None = None,
    name: str = "",
) -> RegisteredModel:
    """A new model of `by`, seen by nobody else until a version of it is published.

    `name` is the last part of its address, formed from the title when empty. Licence and permissions may be chosen
    later, but before the first publication. Raises InvalidInput or Conflict that names the field.
    """
    said = {
        "title": _title(title),
        "type": _type(type),
        "description": _description(description),
        "license": _license(license),
        "license_text": _license_text(license_text),
        "permissions": _permission_bits(permissions),
        "render_here": _render_here(render_here),
        "declared_rating": _declared_rating(declared_rating),
    }
    wanted = clean_tags(tags)
    lock_owner(by)
    name = chosen_name(by, name) if name else free_name(by, said["title"])
    subject = create_subject(by, "model", said["title"], f"/{by.username}/{name}")
    model = RegisteredModel.objects.create(owner=by, subject=subject, name=name, **said)
    set_model_tags(model, wanted)
    return model


@transaction.atomic
def edit_model(model: RegisteredModel, *, by: User, **changes: Any) -> RegisteredModel:
    """Change what is said about a model: title, name, type, description, tags, license, license_text, permissions,
    render_here and declared_rating.

    A new name of a model that was ever published leaves a redirect at the old one. A new licence or permissions
    hold for versions that are published from now on. Raises InvalidInput or Conflict that names the field, NotAllowed
    for a rating below the moderators'.
    """
    require_editor(by, model)
    tags, name = changes.pop("tags", None), changes.pop("name", None)
    values = {key: _MODEL_FIELDS[key](value) for key, value in changes.items()}
    wanted = None if tags is None else clean_tags(tags)
    if name is not None:
        lock_owner(model.owner)
    model = lock_model(model)
    if "declared_rating" in values:
        _refuse_milder(model, values["declared_rating"])
    for key, value in values.items():
        setattr(model, key, value)
    if name is not None:
        _rename(model, name)
    model.save()
    if wanted is not None:
        set_model_tags(model, wanted)
    return refresh_listing(model)


def _refuse_milder(model: RegisteredModel, rating: int) -> None:
    """What moderators have decided, the author only makes stricter."""
    if model.least_rating > Rating.PG and rating < model.least_rating:
        raise NotAllowed(
            _("Moderators rated this model %(rating)s. You can choose a stricter rating, or appeal their decision.")
            % {"rating": Rating(model.least_rating).label},
            code="below_moderators",
            field="declared_rating",
        )


def _rename(model: RegisteredModel, name: str) -> None:
    name = chosen_name(model.owner, name, model=model)
    if name == model.name:
        return
    old, model.name = model.name, name
    # Its own old address again, maybe in other letters' case: nothing needs to lead there any more.
    for redirect in model.redirects.all():
        if redirect.name.lower() in (name.lower(), old.lower()):
            redirect.delete()
    if model.is_named_for_good and old.lower() != name.lower():
        ModelRedirect.objects.create(owner=model.owner, name=old, model=model)


@transaction.atomic
def create_version(
    model: RegisteredModel,
    *,
    by: User,
    name: str,
    base_model: str = "",
    trained_words: Sequence[str] = (),
    notes: str = "",
) -> ModelVersion:
    """A new draft of a model. Its base model may be chosen later, but before it is published."""
    require_editor(by, model)
    values = {
        "name": _version_name(name),
        "base_model": _base_model(base_model),
        "trained_words": _trained_words(trained_words),
        "notes": _notes(notes),
    }
    model = lock_model(model)
    _refuse_taken_version_name(model, values["name"])
    return ModelVersion.objects.create(model=model, **values)


@transaction.atomic
def edit_version(version: ModelVersion, *, by: User, **changes: Any) -> ModelVersion:
    """Change what is said about a version: name, base_model, trained_words, notes. Its files are another matter."""
    require_editor(by, version.model)
    values = {key: _VERSION_FIELDS[key](value) for key, value in changes.items()}
    model = lock_model(version.model)
    version = model.versions.select_for_update().get(pk=version.pk)
    if "name" in values:
        _refuse_taken_version_name(model, values["name"], but=version)
    if not version.is_draft and values.get("base_model") == "":
        raise InvalidInput(_("A published version needs a base model."), code="required", field="base_model")
    for key, value in values.items():
        setattr(version, key, value)
    version.save()
    version.model = refresh_listing(model)
    return version


def _refuse_taken_version_name(model: RegisteredModel, name: str, *, but: ModelVersion | None = None) -> None:
    others = model.versions.exclude(pk=but.pk) if but else model.versions.all()
    if others.alias(low=Lower("name")).filter(low=Lower(Value(name))).exists():
        raise Conflict(
            _("This model already has a version named “%(name)s”.") % {"name": name}, code="name_taken", field="name"
        )


# What each field may hold ---------------------------------------------------------------------------------------


def _title(value: str) -> str:
    return clean_line(value, "title", most=120, required=True)


def _description(value: str) -> str:
    return clean_text(value, "description", most=40_000)


def _license_text(value: str) -> str:
    return clean_text(value, "license_text", most=20_000)


def _notes(value: str) -> str:
    return clean_text(value, "notes", most=20_000)


def _version_name(value: str) -> str:
    return clean_line(value, "name", most=100, required=True)


def _type(value: str) -> str:
    if value not in MODEL_TYPES:
        raise InvalidInput(
            _("“%(value)s” is not a model type. Known are: %(known)s.")
            % {"value": str(value)[:40], "known": ", ".join(MODEL_TYPES)},
            code="unknown_type",
            field="type",
        )
    return value


def _license(value: str) -> str:
    if value and value not in LICENSES:
        raise InvalidInput(
            _("“%(value)s” is not in the list of licenses. Take “other” for one of your own.") % {"value": value[:80]},
            code="unknown_license",
            field="license",
        )
    return value


def _base_model(value: str) -> str:
    if value and value not in BASE_MODELS:
        raise InvalidInput(
            _("“%(value)s” is not a base model. Known are: %(known)s.")
            % {"value": value[:80], "known": ", ".join(BASE_MODELS)},
            code="unknown_base_model",
            field="base_model",
        )
    return value


def _permission_bits(value: Permissions | None) -> int | None:
    if value is not None and not isinstance(value, Permissions):
        raise InvalidInput(_("Say yes or no to each of the six permissions."), field="permissions")
    return None if value is None else value.to_bits()


def _render_here(value: bool | None) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(_("Say whether others may render with it here, or leave it open."), field="render_here")
    return value


def _declared_rating(value: Rating | None) -> int:
    if value is None:
        return 0
    if value not in list(Rating):
        names = ", ".join(RATING_NAMES)
        raise InvalidInput(_("Choose a rating: one of %(names)s.") % {"names": names}, field="declared_rating")
    return int(value)


def _trained_words(values: Sequence[str]) -> list[str]:
    if isinstance(values, str) or not isinstance(values, list | tuple):
        raise InvalidInput(_("This must be a list."), field="trained_words")
    if len(values) > MAX_WORDS:
        raise InvalidInput(_("At most %(most)d entries are possible.") % {"most": MAX_WORDS}, field="trained_words")
    return [line for value in values if (line := clean_line(value, "trained_words", most=400))]


_MODEL_FIELDS: Final[dict[str, Callable[[Any], Any]]] = {
    "title": _title,
    "type": _type,
    "description": _description,
    "license": _license,
    "license_text": _license_text,
    "permissions": _permission_bits,
    "render_here": _render_here,
    "declared_rating": _declared_rating,
}
_VERSION_FIELDS: Final[dict[str, Callable[[Any], Any]]] = {
    "name": _version_name,
    "base_model": _base_model,
    "trained_words": _trained_words,
    "notes": _notes,
}

PERMISSION_NAMES: Final = tuple(field.name for field in dataclasses.fields(Permissions))
