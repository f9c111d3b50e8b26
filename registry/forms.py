"""Forms of the pages. They shape what a person sends; whether it can be accepted is the services' to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from community.errors import SafelightError
from community.models import Subject
from community.ratings import RATING_CHOICES, Rating
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.catalog import LICENSES
from registry.licenses.permissions import Permissions
from registry.models import ModelVersion, RegisteredModel, Review

# What each permission lets people do; the same sentence in the form, in the filters and on a model's page.
RIGHT_WORDS: Final[Mapping[str, Promise]] = {
    "commercial_images": _("Sell the pictures made with it"),
    "merges": _("Share merges of it"),
    "no_credit": _("Use it without naming the author"),
    "commercial_service": _("Offer it on a paid generation service"),
    "sell": _("Sell the model or merges of it"),
    "relicense": _("Give merges other permissions"),
}
# Asked beside them: of this site alone, and changed at any time, so that it is not frozen into versions.
RENDER_WORDS: Final = _("Render with it here")
_YES_NO: Final = (("yes", _("Yes")), ("no", _("No")))
_PREFIX: Final = "may_"


class RefusableForm(forms.Form):
    """A form that can carry a service's refusal at the field that it names."""

    # May stay open while it is a draft, but not when it comes out: no "optional" beside them.
    needed_later: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.needed_later:
            self.fields[name].needed_later = True

    def refuse(self, refusal: SafelightError) -> None:
        """Put a refusal where the person looks for it: at its field, or above the form."""
        field = refusal.field
        if field == "permissions":
            field = next((name for name in self.fields if name.startswith(_PREFIX)), "")
        self.add_error(field if field in self.fields else None, refusal.detail)


class ModelForm(RefusableForm):
    """What is said about a model."""

    needed_later = frozenset({"license"})

    title = forms.CharField(label=_("Title"), max_length=120)
    name = forms.CharField(
        label=_("Name in the address"),
        max_length=96,
        required=False,
        help_text=_("Letters A–Z, digits, “-”, “_” and “.”. Once published, the old address leads to the new one."),
    )
    type = forms.ChoiceField(label=_("Type"), choices=[(row.id, row.label) for row in MODEL_TYPES.values()])
    description = forms.CharField(
        label=_("Description"),
        max_length=40_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. What it makes, how it was made, which settings it likes."),
    )
    tags = forms.CharField(
        label=_("Tags"), max_length=2000, required=False, help_text=_("Separated by commas, at most 30.")
    )
    declared_rating = forms.TypedChoiceField(
        label=_("Rating"),
        required=False,
        choices=[("", _("By its pictures")), *RATING_CHOICES],
        coerce=lambda value: Rating(int(value)),
        empty_value=None,
        help_text=_("What it makes. Whoever is shown this rating, or that of any of its pictures, finds the model."),
    )
    license = forms.ChoiceField(
        label=_("License"),
        required=False,
        choices=[("", _("Choose one")), *((row.id, row.label) for row in LICENSES.values())],
    )
    license_text = forms.CharField(
        label=_("The license’s words"),
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Only for a license of your own."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for right, words in RIGHT_WORDS.items():
            self.fields[_PREFIX + right] = forms.ChoiceField(
                label=words, choices=_YES_NO, required=False, widget=forms.RadioSelect
            )
        self.fields["render_here"] = forms.ChoiceField(
            label=RENDER_WORDS, choices=_YES_NO, required=False, widget=forms.RadioSelect
        )

    def permission_fields(self) -> list[forms.BoundField]:
        """The questions of what others may do, in the order of the page: the six, and whether they may render here."""
        return [*(self[_PREFIX + right] for right in RIGHT_WORDS), self["render_here"]]

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        answers = {right: cleaned.get(_PREFIX + right, "") for right in RIGHT_WORDS}
        if any(answers.values()):
            for right, answer in answers.items():
                if not answer and _PREFIX + right not in self.errors:
                    self.add_error(_PREFIX + right, _("Say yes or no to each of the six."))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What to hand to `edit_model`. Rights that nobody has answered are left as they are."""
        cleaned = self.cleaned_data
        kept = ("title", "type", "description", "tags", "declared_rating", "license", "license_text")
        said = {key: cleaned[key] for key in kept}
        if cleaned["name"]:
            said["name"] = cleaned["name"]
        if cleaned["render_here"]:
            said["render_here"] = cleaned["render_here"] == "yes"
        answers = {right: cleaned[_PREFIX + right] for right in RIGHT_WORDS}
        if all(answers.values()):
            said["permissions"] = Permissions(**{right: answer == "yes" for right, answer in answers.items()})
        return said

    @staticmethod
    def initial_of(model: RegisteredModel) -> dict[str, Any]:
        """The form's fields as the model has them."""
        said = {key: getattr(model, key) for key in ("title", "name", "type", "description", "license", "license_text")}
        said["tags"] = ", ".join(tag.name for tag in model.tags.all())
        said["declared_rating"] = model.declared_rating or ""
        if model.permissions is not None:
            given = asdict(Permissions.from_bits(model.permissions))
            said |= {_PREFIX + right: "yes" if given[right] else "no" for right in RIGHT_WORDS}
        if model.render_here is not None:
            said["render_here"] = "yes" if model.render_here else "no"
        return said


class VersionForm(RefusableForm):
    """What is said about a version."""

    needed_later = frozenset({"base_model"})

    name = forms.CharField(label=_("Name of the version"), max_length=100, help_text=_("For example: v1.0"))
    base_model = forms.ChoiceField(
        label=_("Base model"),
        required=False,
        choices=[("", _("Choose one")), *((row.id, row.label) for row in BASE_MODELS.values())],
    )
    trained_words = forms.CharField(
        label=_("Trigger words"),
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One on each line: a word, or words that belong together."),
    )
    notes = forms.CharField(
        label=_("What changed"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Markdown."),
    )

    def clean_trained_words(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["trained_words"].splitlines() if line.strip()]

    def changes(self) -> dict[str, Any]:
        """What to hand to `create_version` and `edit_version`."""
        return {key: self.cleaned_data[key] for key in ("name", "base_model", "trained_words", "notes")}

    @staticmethod
    def initial_of(version: ModelVersion) -> dict[str, Any]:
        """The form's fields as the version has them."""
        return {
            "name": version.name,
            "base_model": version.base_model,
            "trained_words": "\n".join(version.trained_words),
            "notes": version.notes,
        }


class ReasonForm(RefusableForm):
    """Why something is done; shown to whoever comes to the place later."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, needed: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = needed


class ReviewForm(RefusableForm):
    """Whether one recommends a version, why, and which of one's pictures show it."""

    recommended = forms.ChoiceField(
        label=_("Do you recommend it?"), choices=(("yes", _("Yes")), ("no", _("No"))), widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=_("Why"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "maxlength": 10_000}),
        help_text=_("Markdown. At most 10,000 characters."),
    )

    def __init__(
        self,
        *args: Any,
        review: Review | None = None,
        pictures: Sequence[Subject] = (),
        thumbs: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if review is not None:
            self.initial |= {"recommended": "yes" if review.recommended else "no", "text": review.text}
        if pictures:
            self.fields["pictures"] = forms.MultipleChoiceField(
                label=_("Pictures that you posted to this version"),
                required=False,
                choices=[(str(one.pk), (thumbs or {}).get(one.pk, one.title)) for one in pictures],
                widget=forms.CheckboxSelectMultiple,
                initial=[str(one.pk) for one in review.pictures.all()] if review else [],
            )

    def values(self) -> dict[str, Any]:
        """What the service is given."""
        given = self.cleaned_data
        pictures = [int(pk) for pk in given.get("pictures", [])]
        return {"recommended": given["recommended"] == "yes", "text": given["text"], "pictures": pictures}
