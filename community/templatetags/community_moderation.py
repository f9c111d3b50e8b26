"""What the moderators' pages say of rules, ratings and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from community.ratings import Rating
from community.rules import label_of

register = template.Library()
_KEYS: Final = {"keep": 1, "hold": 2, "remove": 3, "rate": 4, "restore": 5}


@register.simple_tag
def log_is_open() -> bool:
    """Whether everybody may read what moderators decided."""
    return settings.MODERATION_LOG


@register.filter
def rule_label(rule: str) -> str:
    """The words of a rule's id."""
    return label_of(rule)


@register.filter
def rating_words(bits: int) -> str:
    """The trade words of rating bits: "PG-13, R"."""
    return ", ".join(rating.label for rating in Rating if rating & bits)


@register.filter
def act_key(act: str) -> int:
    """Which key chooses a decision; the same in `static/js/queue.js`."""
    return _KEYS[act]


@register.filter
def get(found: Mapping[int, SafeString], key: int) -> SafeString | str:
    """What a mapping has under a key; nothing where it has nothing."""
    return found.get(key, "")
