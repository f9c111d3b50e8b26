"""What may stand in an address: the names of people and of models.

The form is the one that clients of the Hugging Face Hub accept, so that every address here is one that they can
ask for: ASCII letters, digits, `-`, `_` and `.`; 1 to 96 characters; no `-` or `.` at either end; no `--`, no `..`.
A name never ends in `.git`.
"""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_NAME = 96
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_]|[-.](?![-.]))*(?<![-.])\Z")

# First parts of addresses that are the site's own, now or soon, and names that would pass for the site itself.
RESERVED_NAMES = frozenset(
    """
    about accounts admin administrator anonymous api app apps appeal assets atom blobs blog bot browse
    collections collection comments community config contact content create csp datasets delete discuss docs
    download downloads edit embed explore favicon.ico feed feeds files followers following follows gallery hash hashes
    healthz help home host hub images image import index inference invite invitations join jobs kernels legal
    license licenses login logout manage me media members metrics models model moderation moderator my new none
    mutes notices notifications null official oauth operator organizations owner papers people policy post posts
    pricing privacy profile public queue reactions receipts register render renders report reports resolve reviews
    robots.txt root rss safelight search security sessions set settings signup sitemap.xml site spaces staff static
    status store support system tag tags team teams terms token tokens topic topics undefined unsubscribe up upload
    uploads user users version versions well-known work www i18n jsi18n schema
    discuss.atom images.atom models.atom posts.atom tags.atom
    """.split()
)


def is_name(value: str) -> bool:
    """Whether `value` can stand in an address."""
    return len(value) <= MAX_NAME and _NAME.match(value) is not None and not value.lower().endswith(".git")


def is_reserved(value: str) -> bool:
    """Whether `value` belongs to the site. Binds sign-up; the owner of the site may still bear such a name."""
    return value.lower() in RESERVED_NAMES or value.startswith(".")


def validate_owner_name(value: str) -> None:
    """Refuse a user name that cannot be an address."""
    if not is_name(value):
        raise ValidationError(
            _(
                "Use 1 to 96 letters (A–Z), digits, “-”, “_” or “.”. The name may not begin or end with “-” or “.”, "
                "nor hold two of them in a row."
            ),
            code="invalid_name",
        )


# Signs that break a line or turn the reading direction of what follows: a name must not rewrite the page around it.
_UNRULY = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def validate_shown_name(value: str) -> None:
    """Refuse control characters in a name that may otherwise hold anything."""
    if _UNRULY.search(value):
        raise ValidationError(_("The name may not hold control characters."), code="control_characters")
