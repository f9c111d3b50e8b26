"""What pages tell programs: feeds, linked data (schema.org), and what a link to them looks like elsewhere.

None of it is written where one signs in to look: there, a page is for whoever asked for it and nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# As in Django's json_script: neither the end of the element nor a comment can stand in the text.
_NO_MARKUP = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@register.simple_tag
def feed_link(href: str, title: str) -> SafeString | str:
    """`<link rel="alternate">` to a feed; nothing without an address."""
    if not href or settings.LOGIN_TO_LOOK:
        return ""
    return format_html('<link rel="alternate" type="application/atom+xml" href="{}" title="{}">', href, title)


@register.inclusion_tag("components/feed.html")
def feed_button(href: str) -> dict[str, Any]:
    """The link to a feed that people see."""
    return {"href": "" if settings.LOGIN_TO_LOOK else href}


@register.simple_tag
def linked_data(data: Mapping[str, Any] | None) -> SafeString | str:
    """A block of JSON-LD. It is data, which a browser never runs, whatever stands in it."""
    if not data or settings.LOGIN_TO_LOOK:
        return ""
    text = json.dumps({"@context": "https://schema.org", **data}, ensure_ascii=False).translate(_NO_MARKUP)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308 (no markup is left in it)


@register.inclusion_tag("components/share.html")
def share(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """How a link to a page looks in a chat (Open Graph): title, description, url, and picture {url, alt} or None."""
    return {"card": None if settings.LOGIN_TO_LOOK else card, "site_name": settings.SITE_NAME}
