"""Forms of posts and collections. They shape what a person sends; whether it is accepted is the services' to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from community.ratings import RATING_NAMES
from gallery.models import Collection, Post
from gallery.services import collecting
from gallery.services.posting import MAX_ALT, MAX_CAPTION, MAX_IMAGE_CAPTION, MAX_TITLE
from registry.forms import RefusableForm


class PostForm(forms.Form):
    """What is said of a post as a whole. Tags are written with commas between them."""

    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE, required=False)
    caption = forms.CharField(
        label=_("Caption"),
        max_length=MAX_CAPTION,
        required=False,
        help_text=_("Markdown."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    tags = forms.CharField(
        label=_("Tags"), max_length=2_000, required=False, help_text=_("With commas between them. At most 30.")
    )
    hides_generation = forms.BooleanField(
        label=_("Hide how the pictures were made"),
        required=False,
        help_text=_("Prompts, settings and models are shown to nobody, and originals are served without metadata."),
    )

    @staticmethod
    def initial_of(post: Post) -> dict[str, object]:
        """The form as the post stands."""
        return {
            "title": post.title,
            "caption": post.caption,
            "tags": ", ".join(tag.name for tag in post.tags.all()),
            "hides_generation": post.hides_generation,
        }


class ImageWordsForm(forms.Form):
    """What is said of one picture, as the workbench's fields send it where no script runs; they are drawn there."""

    rating = forms.ChoiceField(label=_("Rating"), required=False, choices=[("", ""), *((n, n) for n in RATING_NAMES)])
    alt = forms.CharField(label=_("What it shows"), max_length=MAX_ALT, required=False)
    caption = forms.CharField(label=_("Caption"), max_length=MAX_IMAGE_CAPTION, required=False)
    tags = forms.CharField(label=_("Tags"), max_length=2_000, required=False)
    hides_generation = forms.BooleanField(label=_("Hide how it was made"), required=False)

    def values(self) -> dict[str, Any]:
        """What the service is given; a rating that was not chosen yet is not among it."""
        given = dict(self.cleaned_data)
        given["tags"] = [tag.strip() for tag in given["tags"].split(",") if tag.strip()]
        rating = given.pop("rating")
        return {**given, "rating": RATING_NAMES[rating]} if rating else given

    def first_error(self) -> str:
        """What was wrong, with the field's name before it; empty where nothing was."""
        for name, errors in self.errors.items():
            return f"{self.fields[name].label}: {errors[0]}"
        return ""


class MomentForm(forms.Form):
    """When a post goes out: empty for at once."""

    publish_at = forms.DateTimeField(
        label=_("Publish at"),
        required=False,
        help_text=_("Leave empty to publish at once."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


class CollectionForm(RefusableForm):
    """What a collection is called, and who sees it."""

    title = forms.CharField(label=_("Title"), max_length=collecting.MAX_TITLE)
    text = forms.CharField(
        label=_("About it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": collecting.MAX_TEXT}),
        help_text=_("Markdown. At most 4,000 characters."),
    )
    visibility = forms.ChoiceField(
        label=_("Who sees it"),
        choices=Collection.Visibility.choices,
        initial=Collection.Visibility.PRIVATE,
        widget=forms.RadioSelect,
    )
