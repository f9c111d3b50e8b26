"""Following and hiding: the buttons, and one's lists of both."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from community.errors import InvalidInput
from community.models import Subject
from community.services import following
from community.views.returning import back_to


@login_required
@require_POST
def change_follow(request: HttpRequest, kind: str, thing: str) -> HttpResponse:
    """`act=follow` or `act=unfollow`; back to where the button stood."""
    subject = _find(request, kind, thing)
    if request.POST.get("act") == "unfollow":
        following.unfollow(subject, by=request.user)
    else:
        following.follow(subject, by=request.user)
    return back_to(request, subject.address)


@login_required
@require_POST
def change_mute(request: HttpRequest, kind: str, thing: str) -> HttpResponse:
    """`act=hide` or `act=show`; says what was hidden, for it may be gone from the page."""
    subject = _find(request, kind, thing)
    if request.POST.get("act") == "show":
        following.unhide(subject, by=request.user)
        messages.success(request, _("“%(title)s” is shown again.") % {"title": subject.title})
    else:
        following.hide(subject, by=request.user)
        messages.success(
            request,
            _("“%(title)s” is hidden from your lists. Your settings show what you hide.") % {"title": subject.title},
        )
    return back_to(request, subject.address)


@login_required
@require_POST
def mute_tag(request: HttpRequest) -> HttpResponse:
    """Hide a tag by its name, from the list of what one hides."""
    tag = following.find_subject("tags", request.POST.get("tag", "").strip().lstrip("#"), request.user)
    if tag is None:
        raise InvalidInput(_("A tag has 1 to 60 characters."), field="tag")
    following.hide(tag, by=request.user)
    messages.success(request, _("“%(title)s” is hidden from your lists.") % {"title": tag.title})
    return redirect("community:mutes")


def _find(request: HttpRequest, kind: str, thing: str) -> Subject:
    subject = following.find_subject(kind, thing, request.user)
    if subject is None:
        raise Http404
    return subject


@login_required
@require_safe
def follows(request: HttpRequest) -> HttpResponse:
    """What one follows."""
    page = following.follows_of(request.user, cursor=request.GET.get("cursor", ""))
    return render(request, "community/follows.html", {"page": page, "rows": _named(row.subject for row in page.items)})


@login_required
@require_safe
def mutes(request: HttpRequest) -> HttpResponse:
    """What one hides."""
    page = following.mutes_of(request.user, cursor=request.GET.get("cursor", ""))
    return render(request, "community/mutes.html", {"page": page, "rows": _named(row.subject for row in page.items)})


def _named(subjects) -> list[tuple[Subject, str, str]]:
    """Each subject with the kind and the name by which an address finds it."""
    return [(subject, *following.name_of(subject)) for subject in subjects]
