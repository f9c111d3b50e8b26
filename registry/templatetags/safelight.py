"""What templates of every app draw with: icons, numbers as people read them, addresses that keep their state."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.models import Finding
from registry.pickles.messages import template_of

register = template.Library()

THEMES = ("light", "dark")
TONES = 8
_DECIMAL_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_VERDICT_WORDS = {
    "pending": pgettext_lazy("verdict", "Pending"),
    "safe": pgettext_lazy("verdict", "Safe"),
    "check": pgettext_lazy("verdict", "Check"),
    "blocked": pgettext_lazy("verdict", "Blocked"),
    "unreadable": pgettext_lazy("verdict", "Unreadable"),
}
_FILE_STATE_WORDS = {
    "uploading": gettext_lazy("Uploading"),
    "waiting": gettext_lazy("Waiting for the inspection"),
    "inspecting": gettext_lazy("Being inspected"),
    "done": gettext_lazy("Inspected"),
    "failed": gettext_lazy("Failed"),
}
_UPLOAD_STATE_WORDS = {
    "receiving": gettext_lazy("being sent"),
    "complete": gettext_lazy("waiting for the inspection"),
    "inspecting": gettext_lazy("being inspected"),
    "done": gettext_lazy("inspected"),
    "failed": gettext_lazy("failed"),
}
_INSPECTION_STEP_WORDS = {
    "header": gettext_lazy("Reading the header"),
    "hashing": gettext_lazy("Computing hashes"),
    "scanning": gettext_lazy("Looking for code"),
    "recognizing": gettext_lazy("Recognizing the model"),
    "asking": gettext_lazy("Asking other engines"),
    "finishing": gettext_lazy("Finishing"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing of static/icons.svg, as high as the words beside it; always beside words, so never read aloud."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag
def site_name() -> str:
    """What the operator calls this site."""
    return settings.SITE_NAME


@register.simple_tag
def signup_is_open() -> bool:
    """Whether anybody may sign up, or is shown the way to (by invitation too)."""
    return settings.SIGNUP != "closed"


@register.simple_tag(takes_context=True)
def theme(context: Mapping[str, Any]) -> str:
    """The theme this person chose, or "" to follow their system. Tolerates pages without a request (errors)."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request is not None else ""
    return chosen if chosen in THEMES else ""


@register.filter
def filesize(value: object) -> str:
    """Bytes as people read them, in decimal units as file pages of the field use: 6.46 GB."""
    if not isinstance(value, int):
        return ""
    for unit, step in _DECIMAL_UNITS:
        if value >= step:
            amount = value / step
            places = 0 if amount >= 100 else 1 if amount >= 10 or unit == "kB" else 2
            return f"{number_format(amount, places)} {unit}"
    return ngettext("%(count)s byte", "%(count)s bytes", value) % {"count": value}


@register.filter
def compact(value: object) -> str:
    """A count in at most four signs: 904, 48.2k, 1.3M."""
    if not isinstance(value, int):
        return ""
    for unit, step in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        # 999,950 would round to "1000.0k"; it is 1.0M.
        if value >= step * 0.99995:
            amount = value / step
            return number_format(amount, 0 if amount >= 99.95 else 1) + unit
    return str(value)


@register.filter
def tone(value: object) -> int:
    """One of eight grounds for a name without a picture; the same name has the same one everywhere."""
    return zlib.crc32(str(value).encode()) % TONES


@register.filter
def verdict_word(verdict: str) -> str:
    """The word beside the light."""
    return str(_VERDICT_WORDS.get(verdict, verdict))


@register.filter
def file_state_word(state: str) -> str:
    """Where a file stands, in words."""
    return str(_FILE_STATE_WORDS.get(state, state))


@register.filter
def upload_state_word(state: str) -> str:
    """Where an upload stands, within a sentence."""
    return str(_UPLOAD_STATE_WORDS.get(state, state))


@register.filter
def inspection_step_word(step: str) -> str:
    """What an inspection is doing."""
    return str(_INSPECTION_STEP_WORDS.get(step, _("Waiting for the inspection")))


@register.filter
def finding_sentence(finding: Finding) -> str:
    """What the scanner found, in the reader's language; as it was written then where the rule is not known any more."""
    template = template_of(finding.rule)
    if template == finding.rule:
        return finding.message
    try:
        return _(template) % finding.params
    except (KeyError, TypeError, ValueError):
        return finding.message


@register.filter
def type_label(type_id: str) -> str:
    """A model type as people write it. An id that the list no longer has is shown as it is."""
    row = MODEL_TYPES.get(type_id)
    return row.label if row else type_id


@register.filter
def base_label(base_id: str) -> str:
    """A base model as people write it."""
    row = BASE_MODELS.get(base_id)
    return row.label if row else base_id


@register.filter
def short_hash(value: str) -> str:
    """Both ends of a long digest; the whole of a short one."""
    return value if len(value) <= 20 else f"{value[:10]}…{value[-4:]}"


@register.filter
def item(mapping: Mapping[Any, Any], key: object) -> object:
    """`mapping[key]`, or None."""
    return mapping.get(key)


@register.filter
def with_class(field: BoundField, name: str) -> SafeString:
    """A form field's own element with a class of the style sheet added."""
    given = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{given} {name}".strip()})


@register.simple_tag
def or_list(words: list[str]) -> str:
    """Words as one phrase: "a", "a or b", "a, b or c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(most)s or %(last)s") % {"most": ", ".join(words[:-1]), "last": words[-1]}
