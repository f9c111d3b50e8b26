"""Forms of posts and collections. They shape what a person sends; whether it is accepted is the services' to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from community.ratings import RATING_NAMES
from gallery.models import Collection, Image, ImageResource, Post
from gallery.services import collecting
from gallery.services.generation import MAX_PROMPT, TEXTS
from gallery.services.posting import MAX_ALT, MAX_CAPTION, MAX_IMAGE_CAPTION, MAX_IMAGES, MAX_TITLE
from gallery.services.workflows import plain_number
from registry.forms import RefusableForm


class TextLines(forms.CharField):
    """A text of several lines. Browsers send each end of a line as two signs; it is one."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class PostForm(RefusableForm):
    """What is said of a post as a whole. Tags are written with commas between them."""

    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE, required=False)
    caption = TextLines(
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

    @classmethod
    def of(cls, post: Post, data: QueryDict | None = None) -> PostForm:
        """The form as the post stands, or as `data` has it where that speaks of it."""
        is_sent = data is not None and "title" in data
        return cls(data if is_sent else None, initial=cls._initial_of(post))

    def changes(self) -> dict[str, Any]:
        """What the service is given: the fields that are no more as they were drawn."""
        given = {name: self.cleaned_data[name] for name in (self.changed_data if self.is_bound else ())}
        return {**given, "tags": listed_tags(given["tags"])} if "tags" in given else given

    @staticmethod
    def _initial_of(post: Post) -> dict[str, object]:
        return {
            "title": post.title,
            "caption": post.caption,
            "tags": ", ".join(tag.name for tag in post.tags.all()),
            "hides_generation": post.hides_generation,
        }


class ImageForm(RefusableForm):
    """What is said of one picture, and how it was made. The workbench draws the fields itself."""

    rating = forms.ChoiceField(label=_("Rating"), required=False, choices=[("", ""), *((n, n) for n in RATING_NAMES)])
    alt = forms.CharField(label=_("What it shows"), max_length=MAX_ALT, required=False)
    caption = TextLines(label=_("Caption"), max_length=MAX_IMAGE_CAPTION, required=False)
    tags = forms.CharField(label=_("Tags"), max_length=2_000, required=False)
    hides_generation = forms.BooleanField(label=_("Hide how it was made"), required=False)
    original = forms.ChoiceField(label=_("Original"), required=False, choices=[(n, n) for n in ("whole", "stripped")])
    place = forms.IntegerField(label=_("Place"), required=False, min_value=1, max_value=MAX_IMAGES)
    prompt = TextLines(label=_("Prompt"), max_length=MAX_PROMPT, required=False, strip=False)
    negative = TextLines(label=_("Negative prompt"), max_length=MAX_PROMPT, required=False, strip=False)
    seed = forms.CharField(label=_("Seed"), max_length=100, required=False)
    steps = forms.CharField(label=_("Steps"), max_length=100, required=False)
    sampler = forms.CharField(label=_("Sampler"), max_length=100, required=False)
    schedule = forms.CharField(label=_("Schedule"), max_length=100, required=False)
    cfg_scale = forms.CharField(label=_("CFG scale"), max_length=100, required=False)
    clip_skip = forms.CharField(label=_("Clip skip"), max_length=100, required=False)
    denoise = forms.CharField(label=_("Denoising"), max_length=100, required=False)
    tool = forms.CharField(label=_("Tool"), max_length=100, required=False)

    MAKING = ("prompt", "negative", "seed", "steps", "sampler", "schedule", "cfg_scale", "clip_skip", "denoise", "tool")

    @classmethod
    def of(cls, image: Image, number: int, data: QueryDict | None = None) -> ImageForm:
        """The form of the post's picture `number`: as it stands, or as `data` has it where that speaks of it."""
        prefix = f"image-{image.pk}"
        told = image.told
        initial = {
            "rating": image.rating_name,
            "alt": image.alt,
            "caption": image.caption,
            "tags": ", ".join(tag.name for tag in image.tags.all()),
            "hides_generation": image.hides_generation,
            "original": image.original,
            "place": number,
            **{name: said(told.get(name), is_long=name in TEXTS) for name in cls.MAKING},
        }
        is_sent = data is not None and f"{prefix}-alt" in data
        return cls(data if is_sent else None, prefix=prefix, initial=initial)

    def changes(self) -> dict[str, Any]:
        """What the service is given: the fields that are no more as they were drawn."""
        changed = set(self.changed_data) if self.is_bound else set()
        given = {name: self.cleaned_data[name] for name in changed & {"alt", "caption", "hides_generation"}}
        if "tags" in changed:
            given["tags"] = listed_tags(self.cleaned_data["tags"])
        if "rating" in changed and self.cleaned_data["rating"]:
            given["rating"] = RATING_NAMES[self.cleaned_data["rating"]]
        if "original" in changed and self.cleaned_data["original"]:
            given["original"] = self.cleaned_data["original"]
        if changed & set(self.MAKING):
            given["generation"] = {name: self.cleaned_data[name] for name in self.MAKING}
        return given


def said(value: object, *, is_long: bool = False) -> str:
    """A value of generation data as a field holds it and a browser sends it back: what nobody touched is no change."""
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace("\r\n", "\n").replace("\r", "\n") if is_long else " ".join(text.split())


def listed_tags(text: str) -> list[str]:
    """Tags that were written with commas between them."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


class WeightForm(RefusableForm):
    """How strongly something was used."""

    weight = forms.FloatField(label=_("Weight"), required=False, min_value=-100, max_value=100)

    @classmethod
    def of(cls, resource: ImageResource, data: QueryDict | None = None) -> WeightForm:
        """The form of one resource, as it stands or as `data` has it."""
        prefix = f"resource-{resource.pk}"
        is_sent = data is not None and f"{prefix}-weight" in data
        shown = plain_number(resource.weight)
        return cls(data if is_sent else None, prefix=prefix, initial={"weight": float(shown) if shown else None})

    def has_new_weight(self) -> bool:
        """Whether it was given another one than it has."""
        return self.is_bound and "weight" in self.changed_data


class MomentForm(forms.Form):
    """When a post goes out: empty for at once."""

    publish_at = forms.DateTimeField(
        label=_("Publish at"),
        required=False,
        help_text=_("Leave empty to publish at once."),
        # It stands apart from the form that it belongs to.
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "form": "post-form"}, format="%Y-%m-%dT%H:%M"),
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
