"""The last part of a model's address: formed from the title, free for its owner, and kept when it changes."""

from __future__ import annotations

import re

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import Subject, User, Viewer
from community.names import MAX_NAME, is_name
from community.search_text import fold
from registry.models import ModelRedirect, RegisteredModel

_OTHERS = re.compile(r"[^A-Za-z0-9_.]+")
_DOTS = re.compile(r"[-.]*\.[-.]*")


def slug_of(title: str) -> str:
    """An address name from a title, or "" where the title has no letter from A to Z, whatever its accents.

    The form is that of `community.names`: clients of the Hugging Face Hub ask for nothing else.
    """
    plain = _OTHERS.sub("-", fold(title))
    slug = _DOTS.sub(".", plain)[:MAX_NAME].strip("-.")
    slug = re.sub(r"(\.git)+$", "", slug).strip("-.")
    return slug if re.search(r"[a-z]", slug) else ""


def free_name(owner: User, title: str) -> str:
    """The first name formed from `title` that this owner has not used. Hold the owner's lock (`lock_owner`)."""
    slug = slug_of(title)
    if not slug:
        raise InvalidInput(
            _("The title has no letters A–Z, so give the name for the address as well."),
            code="name_needed",
            field="name",
        )
    taken = _taken_names(owner, slug)
    if slug not in taken:
        return slug
    number = 2
    while (candidate := _numbered(slug, number)) in taken:
        number += 1
    return candidate


def chosen_name(owner: User, name: str, *, model: RegisteredModel | None = None) -> str:
    """`name` itself, where it can stand in an address and is free (or `model`'s own, now or once)."""
    if not is_name(name):
        raise InvalidInput(
            _(
                "Use 1 to 96 letters (A–Z), digits, “-”, “_” or “.”. The name may not begin or end with “-” or “.”, "
                "nor hold two of them in a row, nor end in “.git”."
            ),
            code="invalid_name",
            field="name",
        )
    models = RegisteredModel.objects.alias(low=Lower("name")).filter(owner=owner, low=name.lower())
    redirects = ModelRedirect.objects.alias(low=Lower("name")).filter(owner=owner, low=name.lower())
    if model is not None:
        models, redirects = models.exclude(pk=model.pk), redirects.exclude(model=model)
    if models.exists() or redirects.exists():
        raise Conflict(
            _("“%(name)s” is, or once was, the address of another of your models.") % {"name": name},
            code="name_taken",
            field="name",
        )
    return name


def model_subject(name: str, viewer: Viewer) -> Subject | None:
    """The subject of the model `owner/name`, as far as `viewer` may see it (`settings.SUBJECT_FINDERS`)."""
    owner, _slash, last = name.partition("/")
    model = RegisteredModel.objects.visible_to(viewer).named(owner, last).select_related("subject").first()
    return model.subject if model else None


def lock_owner(owner: User) -> None:
    """Let one change of this owner's names go before the next."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)


def _numbered(slug: str, number: int) -> str:
    end = f"-{number}"
    return slug[: MAX_NAME - len(end)].rstrip("-.") + end


def _taken_names(owner: User, slug: str) -> set[str]:
    """Names of this owner, in lower case, that could be in the way of `slug` and its numbered kin."""
    start = slug[: MAX_NAME - 8]
    names: set[str] = set()
    for rows in (RegisteredModel.objects.filter(owner=owner), ModelRedirect.objects.filter(owner=owner)):
        names |= set(rows.alias(low=Lower("name")).filter(low__startswith=start).values_list(Lower("name"), flat=True))
    return names
