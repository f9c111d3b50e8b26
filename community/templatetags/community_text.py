"""People's own words in templates: `{{ text|markdown }}`."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from community.services.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str | None) -> SafeString:
    """Markdown as sanitized HTML."""
    return render_markdown(text or "")
