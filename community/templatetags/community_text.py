"""People's own words in templates: `{{ text|markdown }}`, and `{{ comment|spoken }}` where people are mentioned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.safestring import SafeString

from community.services.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str | None, people: Iterable[str] = ()) -> SafeString:
    """Markdown as sanitized HTML, with the names of `people` (stored beside the text) as links to them."""
    return render_markdown(text or "", people=people)


@register.filter
def spoken(said: Any) -> SafeString:
    """The words of a comment, review or topic, with the people whom they mention as links."""
    return render_markdown(said.text or "", people=said.mentions)
