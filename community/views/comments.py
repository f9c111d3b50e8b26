"""Talk under a subject: read, post, edit, delete, remove. All of it works without scripts.

A page that shows a subject includes `components/comments.html` with `thread=thread_of(subject, request)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from community.errors import InvalidInput, NotAllowed, RateLimited, SafelightError
from community.forms import CommentForm, RemovalForm
from community.models import Comment, Subject
from community.services.discussion import (
    delete_comment,
    edit_comment,
    hidden_comments,
    post_comment,
    remove_comment,
    thread_page,
)
from community.services.paging import Page


@dataclass(frozen=True)
class Thread:
    """What `components/comments.html` draws."""

    subject: Subject
    page: Page[Comment]
    form: CommentForm
    error: str = ""
    answering: int | None = None  # the comment whose answer was refused
    hidden: int = 0  # comments of people whom the viewer hides


def thread_of(subject: Subject, request: HttpRequest) -> Thread:
    """The first page of a subject's talk, for a page that shows the subject."""
    return _thread(subject, request, CommentForm())


def _thread(subject: Subject, request: HttpRequest, form: CommentForm, **more: Any) -> Thread:
    page = thread_page(subject, viewer=request.user, cursor=more.pop("cursor", ""))
    return Thread(subject, page, form, hidden=hidden_comments(subject, request.user), **more)


@require_http_methods(["GET", "POST"])
def subject_comments(request: HttpRequest, subject_id: int) -> HttpResponse:
    """The talk alone, page by page; and where a new comment is sent."""
    subject = get_object_or_404(Subject.objects.visible_to(request.user), pk=subject_id)
    if request.method == "POST":
        return _post(request, subject)
    return _show(request, _thread(subject, request, CommentForm(), cursor=request.GET.get("cursor", "")))


@login_required
def _post(request: HttpRequest, subject: Subject) -> HttpResponse:
    try:
        parent = _answered(request, subject)
        comment = post_comment(subject, request.POST.get("text", ""), by=request.user, parent=parent)
    except SafelightError as refusal:
        return _refused(request, subject, refusal)
    if request.htmx:
        return _show(request, thread_of(_fresh(subject), request))
    return HttpResponseRedirect(f"{subject.address}#comment-{comment.pk}")


def _answered(request: HttpRequest, subject: Subject) -> Comment | None:
    given = request.POST.get("parent", "")
    if not given:
        return None
    known = given.isascii() and given.isdigit() and len(given) < 19
    parent = subject.comments.filter(pk=int(given)).first() if known else None
    if parent is None:
        raise InvalidInput(_("The comment that you answer is not here."), field="parent")
    return parent


def _refused(request: HttpRequest, subject: Subject, refusal: SafelightError) -> HttpResponse:
    """The same page with the words still in their field, and why they were not taken."""
    given = request.POST.get("parent", "")
    answering = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    form = CommentForm(initial={"text": request.POST.get("text", "")})
    thread = _thread(subject, request, form, error=refusal.detail, answering=answering)
    # htmx puts only good answers into the page.
    response = _show(request, thread, status=200 if request.htmx else refusal.status)
    if isinstance(refusal, RateLimited):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def _show(request: HttpRequest, thread: Thread, *, status: int = 200) -> HttpResponse:
    template = "components/comments.html" if request.htmx else "community/comments.html"
    return render(request, template, {"thread": thread, "subject": thread.subject}, status=status)


def _fresh(subject: Subject) -> Subject:
    subject.refresh_from_db(fields=["comment_count"])
    return subject


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, comment_id: int) -> HttpResponse:
    comment = _seen(request, comment_id)
    if comment.author_id != request.user.pk:
        raise NotAllowed(_("These are somebody else's words."))
    form = CommentForm(request.POST or None, initial={"text": comment.text})
    if request.method == "POST":
        try:
            edit_comment(comment, request.POST.get("text", ""), by=request.user)
        except InvalidInput as refusal:
            return _form_page(request, comment, _with_error(form, refusal), "edit", status=refusal.status)
        return _back(comment)
    return _form_page(request, comment, form, "edit")


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, comment_id: int) -> HttpResponse:
    comment = _seen(request, comment_id)
    if comment.author_id != request.user.pk:
        raise NotAllowed(_("These are somebody else's words."))
    if request.method == "POST":
        delete_comment(comment, by=request.user)
        messages.success(request, _("Your comment was deleted."))
        return redirect(comment.subject.address)
    return _form_page(request, comment, Form(), "delete")


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, comment_id: int) -> HttpResponse:
    comment = _seen(request, comment_id)
    if not request.user.is_moderator:
        raise NotAllowed(_("Only moderators remove comments."))
    form = RemovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remove_comment(comment, form.cleaned_data["reason"], by=request.user)
        return _back(comment)
    return _form_page(request, comment, form, "remove", status=400 if form.errors else 200)


def _seen(request: HttpRequest, comment_id: int) -> Comment:
    """A standing comment of a subject that this person may see."""
    return get_object_or_404(Comment.objects.visible_to(request.user).standing(), pk=comment_id)


def _with_error(form: CommentForm, refusal: InvalidInput) -> CommentForm:
    form.errors.pop("text", None)
    form.add_error("text", refusal.detail)
    return form


def _form_page(request: HttpRequest, comment: Comment, form: Form, act: str, *, status: int = 200) -> HttpResponse:
    context = {"comment": comment, "subject": comment.subject, "form": form}
    return render(request, f"community/comment_{act}.html", context, status=status)


def _back(comment: Comment) -> HttpResponse:
    return HttpResponseRedirect(f"{comment.subject.address}#comment-{comment.pk}")
