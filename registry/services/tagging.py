"""Words that models are filed under."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput
from registry.models import RegisteredModel, Tag
from registry.services.wording import clean_line

MAX_TAGS: Final = 30
_MAX_LENGTH: Final = 60


def clean_tags(names: Iterable[str]) -> list[str]:
    """The tags as they will be written: without `#`, each once regardless of case. Raises InvalidInput for `tags`."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InvalidInput(_("This must be a list."), field="tags")
    found: dict[str, str] = {}
    for name in names:
        tag = clean_line(name, "tags", most=_MAX_LENGTH).lstrip("#").strip()
        if tag:
            found.setdefault(tag.lower(), tag)
        if len(found) > MAX_TAGS:
            raise InvalidInput(_("At most %(most)d tags are possible.") % {"most": MAX_TAGS}, field="tags")
    return list(found.values())


def set_model_tags(model: RegisteredModel, names: Sequence[str]) -> None:
    """File a model under exactly these tags (from `clean_tags`). A tag keeps the spelling of whoever wrote it first."""
    # In one order everywhere, so that two people who write the same new tags never wait for each other.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names, key=str.lower)], ignore_conflicts=True)
    model.tags.set(Tag.objects.named(names))
