"""`/discuss`: topics as a list, one of them with its talk, and the forms."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from community.errors import InvalidInput, NotAllowed
from community.feeds import address_with, asked_tag, asked_words
from community.forms import TopicForm, TopicRemovalForm
from community.models import Topic
from community.services import topics
from community.services.following import find_subject
from community.views import linked
from community.views.comments import thread_of


@dataclass(frozen=True)
class SortLink:
    label: str
    href: str
    chosen: bool


@require_safe
def topic_list(request: HttpRequest) -> HttpResponse:
    """Sorted and narrowed by the address alone; a bad value falls away."""
    tag, words = asked_tag(request), asked_words(request)
    sort = request.GET.get("sort", "")
    sort = sort if sort in topics.SORTS else "lively"
    cursor = request.GET.get("cursor", "")
    try:
        page = topics.topics_page(request.user, sort=sort, tag=tag, words=words, cursor=cursor)
    except InvalidInput:
        cursor = ""
        page = topics.topics_page(request.user, sort=sort, tag=tag, words=words)
    context = {
        "topics": page.items,
        "tag": tag,
        "words": words,
        "sort": "" if sort == "lively" else sort,
        "without_tag_href": _address(sort, "", words),
        "tag_subject": find_subject("tags", tag, AnonymousUser()) if tag else None,
        "hidden": 0 if cursor else topics.hidden_topics(request.user, tag=tag, words=words),
        "sorts": [
            SortLink(_("Last word"), _address("lively", tag, words), sort == "lively"),
            SortLink(_("Newest"), _address("newest", tag, words), sort == "newest"),
        ],
        "next_href": _address(sort, tag, words, page.next) if page.next else "",
        "feed_href": address_with(reverse("community:topics-feed"), [("q", words), ("tag", tag)]),
    }
    part = request.htmx and not request.htmx.boosted
    return render(request, "community/_topics.html" if part else "community/topics.html", context)


def _address(sort: str, tag: str, words: str, cursor: str = "") -> str:
    params = {"q": words, "tag": tag, "sort": "" if sort == "lively" else sort, "cursor": cursor}
    query = urlencode({name: value for name, value in params.items() if value})
    return reverse("community:topics") + (f"?{query}" if query else "")


@require_safe
def topic_page(request: HttpRequest, topic_id: int) -> HttpResponse:
    topic = _find(request, topic_id)
    context = {
        "topic": topic,
        "thread": thread_of(topic.subject, request),
        "linked": linked.topic_data(request, topic),
        "share": linked.topic_share(request, topic),
    }
    return render(request, "community/topic.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = TopicForm(request.POST or None, initial={"tags": request.GET.get("tag", "")[: topics.MAX_TAG]})
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(topics.begin_topic(**form.values(), by=request.user))
        except InvalidInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
    return render(request, "community/topic_form.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, topic_id: int) -> HttpResponse:
    topic = _own(request, topic_id)
    initial = {"title": topic.title, "text": topic.text, "tags": ", ".join(topic.tags)}
    form = TopicForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(topics.edit_topic(topic, **form.values(), by=request.user))
        except InvalidInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
    context = {"form": form, "topic": topic}
    return render(request, "community/topic_form.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, topic_id: int) -> HttpResponse:
    topic = _own(request, topic_id)
    if request.method == "POST":
        topics.delete_topic(topic, by=request.user)
        messages.success(request, _("Your topic was deleted."))
        return redirect("community:topics")
    return render(request, "community/topic_delete.html", {"topic": topic, "form": Form()})


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, topic_id: int) -> HttpResponse:
    topic = _find(request, topic_id)
    if not request.user.is_moderator:
        raise NotAllowed(_("Only moderators remove topics."))
    form = TopicRemovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        topics.remove_topic(topic, form.cleaned_data["reason"], by=request.user)
        return redirect(topic)
    context = {"topic": topic, "form": form}
    return render(request, "community/topic_remove.html", context, status=400 if form.errors else 200)


def _find(request: HttpRequest, topic_id: int) -> Topic:
    rows = Topic.objects.visible_to(request.user).select_related("subject", "author")
    return get_object_or_404(rows, pk=topic_id)


def _own(request: HttpRequest, topic_id: int) -> Topic:
    topic = _find(request, topic_id)
    if topic.author_id != request.user.pk:
        raise NotAllowed(_("This is somebody else's topic."))
    return topic
