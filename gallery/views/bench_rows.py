"""What the workbench of a post shows: the post and its pictures with their forms, as they stand or were sent."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from community.models import User
from community.ratings import RATING_NAMES
from gallery.forms import ImageForm, MomentForm, PostForm, WeightForm, said
from gallery.models import Image, Post
from gallery.services.classifying import proposal_of
from gallery.services.publishing import is_undecided, reading_of, unmet_post_checks
from gallery.views.shapes import ShownResource, shown_resources
from registry.forms import RefusableForm


class Workbench:
    """A post on its workbench. `faults` lists what was wrong: a sentence that names the field, and where it stands."""

    def __init__(self, post: Post, images: list[Image], data: QueryDict | None) -> None:
        self.post, self.images = post, images
        self.data = data if data is not None else QueryDict()
        self.form = PostForm.of(post, data)
        self.forms = {image.pk: ImageForm.of(image, number, data) for number, image in enumerate(images, 1)}
        rows = [row for image in images for row in image.resources.all()]
        self.weights = {row.pk: WeightForm.of(row, data) for row in rows}
        self.moment = MomentForm(data) if data is not None and "publish_at" in data else MomentForm()
        self.faults: list[dict[str, str]] = []

    @classmethod
    def of(cls, post: Post, data: QueryDict | None = None) -> Workbench:
        """The workbench of a post, with what `data` says of it."""
        return cls(post, list(Image.objects.for_display().filter(post=post)), data)

    def is_valid(self) -> bool:
        """Whether every form that was sent makes sense. All are asked, so that all faults are known at once."""
        sent = [form for form in (self.form, *self.forms.values(), *self.weights.values()) if form.is_bound]
        known = [form.is_valid() for form in sent]
        return all(known)

    def list_faults(self) -> None:
        """Gather what the forms hold against what was sent."""
        self.faults = _faults_of(self.form, "", "#post-form")
        for number, image in enumerate(self.images, 1):
            named = _("Picture %(number)d") % {"number": number}
            forms: list[RefusableForm] = [self.forms[image.pk]]
            forms += [self.weights[row.pk] for row in image.resources.all()]
            for form in forms:
                self.faults += _faults_of(form, f"{named}, ", f"#image-{image.pk}")

    def has_new_places(self) -> bool:
        """Whether a number was written that puts a picture elsewhere."""
        return any(form.is_bound and "place" in form.changed_data for form in self.forms.values())

    def place_of(self, image: Image) -> tuple[int, int]:
        """By what to sort: the number that was written, and on which side of the one that has it already."""
        form = self.forms[image.pk]
        before = form.initial["place"]
        now = (form.cleaned_data.get("place") if form.is_bound else None) or before
        return now, (now > before) - (now < before)

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """What the page is drawn from."""
        post, images = self.post, self.images
        unmet = unmet_post_checks(post) if post.is_draft else []
        if not self.moment.is_bound:
            self.moment = MomentForm(initial={"publish_at": request.GET.get("publish_at", "")[:40]})
        return {
            "post": post,
            "version": post.version,
            "form": self.form,
            "faults": self.faults,
            "moment": self.moment,
            "rows": [self._row(image, request.user) for image in images],
            "next_position": images[-1].position + 1 if images else 0,
            "ratings": list(RATING_NAMES),
            "rate_all": self.data.get("rate_all", ""),
            "unrated": any(image.rating is None for image in images),
            "unmet": [check for check in unmet if not check.passes],
            "waiting": sum(check.passes for check in unmet),
            "watching": any(image.progress == "waiting" for image in images) or any(check.passes for check in unmet),
        }

    def _row(self, image: Image, viewer: User) -> dict[str, Any]:
        """What is shown of one picture: what was read beside what is said."""
        reading, read, form = reading_of(image), image.generation or {}, self.forms[image.pk]
        fields = [
            {"field": form[name], "read": said(read.get(name)), "long": name in ("prompt", "negative")}
            for name in ImageForm.MAKING
        ]
        resources = shown_resources(image, viewer)
        proposed = proposal_of(image)
        stamp = f"{image.progress}-{getattr(reading, 'state', '')}-{image.is_edited}-{image.original}-{proposed}"
        return {
            "image": image,
            "form": form,
            "rated": form["rating"].value(),
            "fields": fields,
            "is_open": any(each["field"].errors for each in fields),
            "resources": [self._resource(each) for each in resources],
            "reading": reading,
            "undecided": is_undecided(image),
            "proposed": proposed,
            "is_milder": proposed is not None and image.rating is not None and image.rating < proposed,
            "stamp": f"{stamp}-{'.'.join(f'{each.row.pk}:{each.row.version_id}' for each in resources)}",
        }

    def _resource(self, shown: ShownResource) -> dict[str, Any]:
        weight = self.weights[shown.row.pk]
        written = weight["weight"].value() if weight.is_bound else shown.weight
        return {"shown": shown, "written": written, "errors": weight["weight"].errors}


def _faults_of(form: RefusableForm, before: str, href: str) -> list[dict[str, str]]:
    if not form.is_bound:
        return []
    return [
        {"href": href, "text": f"{before}{form.fields[name].label}: {error}" if name in form.fields else str(error)}
        for name, errors in form.errors.items()
        for error in errors
    ]
