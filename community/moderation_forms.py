"""Forms of reports, decisions and appeals."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from community.models import Case
from community.ratings import RATING_CHOICES, Rating
from community.rules import RULES
from community.services.appealing import MAX_TEXT as MAX_APPEAL
from community.services.deciding import MAX_EVIDENCE, Act, Handler, Order
from community.services.reporting import MAX_TEXT

_RULES = [(rule.id, rule.label) for rule in RULES.values()]
# In this order, so that the same key means the same everywhere.
_ACTS = (Act.KEEP, Act.HOLD, Act.REMOVE, Act.RATE, Act.RESTORE)


class ReportForm(forms.Form):
    """Why somebody thinks that a thing should not stand here."""

    rule = forms.ChoiceField(label=_("What is wrong with it?"), choices=_RULES, widget=forms.RadioSelect)
    text = forms.CharField(
        label=_("What the moderators should know"),
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Only moderators read this. The owner is not told who reported."),
    )


class DecisionForm(forms.Form):
    """What a moderator decides about a thing; `case` fills in what its reports say."""

    act = forms.ChoiceField(label=_("Decision"), widget=forms.RadioSelect)
    rule = forms.ChoiceField(label=_("Rule"), required=False, choices=[("", _("None")), *_RULES])
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        help_text=_("Public: name no person. Left empty, the rule's own words stand here."),
    )
    rating = forms.TypedChoiceField(
        label=_("New rating"),
        required=False,
        choices=[("", _("Leave it")), *RATING_CHOICES],
        coerce=int,
        empty_value=None,
    )
    whole = forms.BooleanField(label=_("The whole post"), required=False)
    block = forms.BooleanField(label=_("On removal: block its bytes"), required=False)
    block_alike = forms.BooleanField(label=_("On removal: block what looks like it"), required=False)
    evidence = forms.CharField(
        label=_("Evidence"),
        required=False,
        max_length=MAX_EVIDENCE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only moderators read this."),
    )

    def __init__(self, *args: Any, handler: Handler, case: Case | None = None, key: str, **kwargs: Any) -> None:
        initial = {"rule": _most_named(case), "act": Act.KEEP.value} | kwargs.pop("initial", {})
        super().__init__(*args, auto_id=f"case-{key}-%s", initial=initial, **kwargs)
        possible = handler.acts | {Act.KEEP}
        self.fields["act"].choices = [(act.value, act.label) for act in _ACTS if act in possible]
        if Act.RATE not in handler.acts:
            del self.fields["rating"]
        if not handler.can_block:
            del self.fields["block"]
        if not handler.can_whole:  # what looks alike is a matter of pictures, as posts are
            del self.fields["whole"], self.fields["block_alike"]

    def order(self) -> Order:
        """What was decided, once the form is valid."""
        given = self.cleaned_data
        rating = given.get("rating")
        return Order(
            act=Act(given["act"]),
            rule=given["rule"],
            reason=given["reason"],
            evidence=given["evidence"],
            rating=Rating(rating) if rating else None,
            whole=given.get("whole", False),
            block=given.get("block", False),
            block_alike=given.get("block_alike", False),
        )


def _most_named(case: Case | None) -> str:
    """The rule that most reports of a case name."""
    told = getattr(case, "told", ())
    named = Counter(report.rule for report in told if report.rule in RULES)
    return named.most_common(1)[0][0] if named else ""


class AppealForm(forms.Form):
    """Why another look is asked for."""

    text = forms.CharField(
        label=_("What the moderators should know"),
        required=False,
        max_length=MAX_APPEAL,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class SettleForm(forms.Form):
    """A moderator's answer to an appeal."""

    answer = forms.CharField(
        label=_("Answer"), required=False, max_length=500, help_text=_("Shown to whoever appealed.")
    )
