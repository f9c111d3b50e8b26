"""Styles: words that somebody keeps to add to prompts."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import User
from community.services.texts import clean_line, clean_text
from inference.models import Style
from inference.prompts.request import MAX_PROMPT

MAX_STYLES: Final = 100


@transaction.atomic
def save_style(name: str, prompt: str, negative: str, *, by: User) -> Style:
    """Keep words under a name; an equal name of theirs gets the new words. Raises InvalidInput, Conflict."""
    name = clean_line(name, "name", most=100, required=True)
    prompt = clean_text(prompt, "prompt", most=MAX_PROMPT)
    negative = clean_text(negative, "negative", most=MAX_PROMPT)
    if not prompt and not negative:
        raise InvalidInput(_("Write words for the prompt or for the negative prompt."), field="prompt")
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    style = by.styles.filter(name__iexact=name).first()
    if style is None and by.styles.count() >= MAX_STYLES:
        raise Conflict(_("You keep %(most)d styles; more are not possible.") % {"most": MAX_STYLES}, code="too_many")
    style = style or Style(owner=by)
    style.name, style.prompt, style.negative = name, prompt, negative
    try:
        with transaction.atomic():
            style.save()
    except IntegrityError:
        raise Conflict(_("You have a style of this name."), code="name_taken", field="name") from None
    return style


def delete_style(style: Style, *, by: User) -> None:
    """Forget a style of one's own; another's is not touched."""
    by.styles.filter(pk=style.pk).delete()
