"""Posts: the page that shows one, the beginning of one (`static/js/gallery_post.js`), and its ends."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import NotAllowed, SafelightError
from gallery import policies
from gallery.forms import MomentForm
from gallery.models import Image, Post
from gallery.services.arriving import send_pictures
from gallery.services.posting import create_post
from gallery.services.publishing import (
    UNDO_DAYS,
    PostNotReady,
    delete_post,
    publish_post,
    restore_post,
    unschedule_post,
)
from gallery.views import linked
from gallery.views.shapes import cards_of
from registry.models import ModelVersion

_MOST_DRAFTS = 50


@require_safe
def post_page(request: HttpRequest, post_id: int) -> HttpResponse:
    """The pictures of a post that the viewer may see, and how many their settings hide."""
    posts = Post.objects.visible_to(request.user).select_related("owner", "version__model__owner")
    post = get_object_or_404(posts.prefetch_related("tags"), pk=post_id)
    shown = Image.objects.visible_to(request.user).ready().filter(post=post).for_cards().order_by("position", "pk")
    cards = cards_of(shown)
    public = Image.objects.public().ready().filter(post=post).count() if post.is_public else 0
    can_edit = policies.can_edit_post(request.user, post)
    version = post.version
    named = ModelVersion.objects.visible_to(request.user).within_level_of(request.user)
    if version is not None and not named.filter(pk=version.pk).exists():
        version = None
    context = {
        "post": post,
        "cards": cards,
        "hidden": max(0, public - len(cards)) if not can_edit else 0,
        "can_edit": can_edit,
        "version": version,
        "undo_days": UNDO_DAYS,
        "canonical": request.build_absolute_uri(post.get_absolute_url()),
        "share": linked.post_share(request, post, [card.image for card in cards]),
    }
    return render(request, "gallery/post.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def post_new(request: HttpRequest) -> HttpResponse:
    """Begin a post; `?version=ID` posts to that version. Without a script a form makes the draft."""
    version = _asked_version(request)
    if request.method == "POST":
        post = create_post(by=request.user, version=version)
        for refusal in send_pictures(post, request.FILES.getlist("pictures"), by=request.user):
            messages.error(request, refusal)
        return redirect("gallery:post-edit", post.pk)
    drafts = Post.objects.filter(owner=request.user, deleted_at__isnull=True)
    drafts = drafts.filter(state__in=[Post.State.DRAFT, Post.State.SCHEDULED]).prefetch_related("images")
    context = {"drafts": drafts[:_MOST_DRAFTS], "version": version, **bench_words(request)}
    return render(request, "gallery/post_new.html", context)


def _asked_version(request: HttpRequest) -> ModelVersion | None:
    text = request.GET.get("version", "")
    if not text:
        return None
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__owner")
    return get_object_or_404(visible, pk=pk)


def own_post(request: HttpRequest, post_id: int) -> Post:
    """A post of the asker's own. Raises Http404 for what they may not see, NotAllowed for what is another's."""
    posts = Post.objects.visible_to(request.user).select_related("owner", "version__model__owner")
    post = get_object_or_404(posts.prefetch_related("tags"), pk=post_id)
    if not policies.can_edit_post(request.user, post):
        raise NotAllowed(_("Only the owner of this post may do this."))
    return post


@login_required
@require_POST
def post_publish(request: HttpRequest, post_id: int) -> HttpResponse:
    """Publish now or at the moment of the form; what is missing stands on the workbench."""
    post = own_post(request, post_id)
    form = MomentForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Publish at: write a day and a time."))
        return redirect("gallery:post-edit", post.pk)
    try:
        post = publish_post(post, by=request.user, at=form.cleaned_data["publish_at"])
    except PostNotReady as refusal:
        messages.error(request, refusal.detail)
        return redirect("gallery:post-edit", post.pk)
    except SafelightError as refusal:
        messages.error(request, refusal.detail)
        return redirect("gallery:post-edit", post.pk)
    return redirect(post)


@login_required
@require_POST
def post_unschedule(request: HttpRequest, post_id: int) -> HttpResponse:
    """Make a scheduled post a draft again."""
    post = unschedule_post(own_post(request, post_id), by=request.user)
    return redirect("gallery:post-edit", post.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def post_delete(request: HttpRequest, post_id: int) -> HttpResponse:
    """Ask, then delete; the post's page offers the way back."""
    post = own_post(request, post_id)
    if request.method == "POST":
        delete_post(post, by=request.user)
        text = _("The post was deleted. For %(days)d days you can bring it back.") % {"days": UNDO_DAYS}
        messages.success(request, text)
        return redirect(post)
    return render(request, "gallery/post_delete.html", {"post": post, "undo_days": UNDO_DAYS})


@login_required
@require_POST
def post_restore(request: HttpRequest, post_id: int) -> HttpResponse:
    """Bring a deleted post back."""
    post = restore_post(own_post(request, post_id), by=request.user)
    messages.success(request, _("The post is back."))
    return redirect(post)


def bench_words(request: HttpRequest) -> dict[str, Any]:
    """For the pages of the workbench: what the script says, in the reader's language."""
    return {
        "api": reverse("api-uploads").removesuffix("uploads"),
        "edit_address": reverse("gallery:post-edit", args=[0]),
        "words": {
            "waiting": _("Waiting for its turn"),
            "sending": _("Sending"),
            "paused": _("Paused"),
            "checking": _("Looking which parts are there"),
            "complete": _("Sent"),
            "done": _("Sent"),
            "failed": _("Failed"),
            "saved": _("Saved"),
            "of": pgettext("3 MB of 7 GB", "{done} of {total}"),
            "offline": _("The site does not answer. Check the connection and try again."),
            "moved": _("Picture {number} of {count}"),
            "refused": _("“{name}” cannot be posted. Choose a PNG, JPEG, WebP, AVIF or GIF, or an MP4 or WebM clip."),
        },
    }
