"""The rules that people report by and moderators decide by. Data in Python, so that its words can be translated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Rule:
    """`id` is stored and stays. `label` is chosen from a list; `text` is the public reason where none is written."""

    id: str
    label: str | Promise
    text: str | Promise


RULES: Final[dict[str, Rule]] = {
    rule.id: rule
    for rule in (
        Rule("illegal", _("Illegal"), _("This is against the law where the site is run.")),
        Rule("minors", _("Minors"), _("This shows somebody who is, or looks like, a minor in a sexual way.")),
        Rule("real_person", _("A real person, without consent"), _("This shows a real person who has not agreed.")),
        Rule("stolen", _("Stolen work"), _("This is the work of somebody else, without their permission.")),
        Rule("rating", _("Wrong rating"), _("This is rated as milder than what it shows.")),
        Rule("spam", _("Spam"), _("This is advertising, or the same thing many times over.")),
        Rule("malware", _("Malware"), _("This harms, or misleads about, whoever uses it.")),
        Rule("other", _("Something else"), _("This breaks the rules of the site.")),
    )
}


def label_of(rule: str) -> str:
    """The words of a rule; its id where it is none of today's."""
    known = RULES.get(rule)
    return str(known.label) if known else rule


def text_of(rule: str) -> str:
    """What a rule says, as a public reason; empty where it is none of today's."""
    known = RULES.get(rule)
    return str(known.text) if known else ""
