"""Reviews of a version: on its model's page, all of them page by page, one's own as a form, a moderator's act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from community.errors import InvalidInput, NotAllowed
from community.models import Viewer
from registry import policies
from registry.forms import ReasonForm, ReviewForm
from registry.models import ModelVersion, Review
from registry.services import reviewing

_ON_MODEL_PAGE = 3


@dataclass(frozen=True)
class ShownReview:
    review: Review
    pictures: tuple[SafeString, ...]


@dataclass(frozen=True)
class ReviewPanel:
    """What `registry/_reviews.html` draws."""

    version: ModelVersion
    shown: tuple[ShownReview, ...]
    mine: Review | None
    may_review: bool
    has_more: bool


def review_panel(request: HttpRequest, version: ModelVersion) -> ReviewPanel:
    """The newest reviews of a version, and what the viewer may say. A fixed number of queries."""
    page = reviewing.reviews_page(version, viewer=request.user, size=_ON_MODEL_PAGE)
    others = request.user.is_authenticated and not policies.is_owner(request.user, version.model)
    return ReviewPanel(
        version=version,
        shown=_shown(request, page.items),
        mine=reviewing.review_of(version, request.user) if others else None,
        may_review=others and policies.is_public(version),
        has_more=bool(page.next),
    )


def _shown(request: HttpRequest, reviews: Sequence[Review]) -> tuple[ShownReview, ...]:
    thumbs = thumbs_of(request, [subject.pk for review in reviews for subject in review.pictures.all()])
    return tuple(
        ShownReview(review, tuple(thumbs[one.pk] for one in review.pictures.all() if one.pk in thumbs))
        for review in reviews
    )


def thumbs_of(request: HttpRequest, subjects: Sequence[int]) -> Mapping[int, SafeString]:
    """Small pictures of these subjects that the viewer may see (`settings.SUBJECT_THUMBS`), by the subject's id."""
    if not subjects or not settings.SUBJECT_THUMBS:
        return {}
    return import_string(settings.SUBJECT_THUMBS)(request, subjects)


@require_safe
def review_list(request: HttpRequest, version_id: int) -> HttpResponse:
    version = _find(request.user, version_id)
    page = reviewing.reviews_page(version, viewer=request.user, cursor=request.GET.get("cursor", ""))
    context = {"version": version, "shown": _shown(request, page.items), "next": page.next}
    return render(request, "registry/reviews.html", context)


@require_safe
def review_page(request: HttpRequest, review_id: int) -> HttpResponse:
    """One review: where reports and decisions lead. What is held or removed, its author and moderators read."""
    rows = Review.objects.readable_by(request.user).prefetch_related("pictures")
    found = get_object_or_404(rows.select_related("version__model__owner", "author"), pk=review_id)
    (shown,) = _shown(request, [found])
    return render(request, "registry/review.html", {"version": found.version, "shown": shown})


@login_required
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, version_id: int) -> HttpResponse:
    """One's own review: written, or changed."""
    version = _find(request.user, version_id)
    if policies.is_owner(request.user, version.model):
        raise NotAllowed(_("Your own work is for others to review."), code="own_work")
    mine = reviewing.review_of(version, request.user)
    choices = reviewing.own_pictures(version, request.user)
    thumbs = thumbs_of(request, [subject.pk for subject in choices])
    form = ReviewForm(request.POST or None, review=mine, pictures=choices, thumbs=thumbs)
    if request.method == "POST" and form.is_valid():
        try:
            reviewing.review_version(version, **form.values(), by=request.user)
        except InvalidInput as refusal:
            form.refuse(refusal)
        else:
            return redirect(f"{version.get_absolute_url()}#reviews")
    context = {"version": version, "form": form, "mine": mine}
    return render(request, "registry/review_form.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, review_id: int) -> HttpResponse:
    found = _find_review(request.user, review_id)
    if found.author_id != request.user.pk:
        raise NotAllowed(_("This is somebody else's review."))
    if request.method == "POST":
        reviewing.delete_review(found, by=request.user)
        messages.success(request, _("Your review was deleted."))
        return redirect(found.version)
    return render(request, "registry/review_delete.html", {"review": found, "form": Form()})


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, review_id: int) -> HttpResponse:
    found = _find_review(request.user, review_id)
    if not policies.can_moderate(request.user):
        raise NotAllowed(_("Only moderators remove reviews."))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reviewing.remove_review(found, form.cleaned_data["reason"], by=request.user)
        return redirect(found.version)
    context = {"review": found, "form": form}
    return render(request, "registry/review_remove.html", context, status=400 if form.errors else 200)


def _find(viewer: Viewer, version_id: int) -> ModelVersion:
    shown = ModelVersion.objects.visible_to(viewer).within_level_of(viewer)
    rows = shown.select_related("model__owner", "model__subject")
    return get_object_or_404(rows, pk=version_id)


def _find_review(viewer: Viewer, review_id: int) -> Review:
    rows = Review.objects.visible_to(viewer).select_related("version__model__owner", "author")
    return get_object_or_404(rows, pk=review_id)
