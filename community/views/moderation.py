"""The moderators' pages: the queue, one thing and its history, appeals, the block list; and the public log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import InvalidInput, NotAllowed
from community.models import Appeal, BlockedHash, Case, Decision, Subject
from community.moderation_forms import DecisionForm
from community.rules import label_of
from community.services import queue
from community.services.appealing import settle_appeal
from community.services.blocking import unblock
from community.services.deciding import decide, handler_of, kind_of
from community.services.paging import keyset_page

_MOST_TICKED = 100


@dataclass(frozen=True)
class ShownCase:
    """What `community/_case.html` draws."""

    waiting: queue.Waiting
    form: DecisionForm
    thumbs: Mapping[int, SafeString]
    words: str = ""


@login_required
@require_safe
def moderation_queue(request: HttpRequest) -> HttpResponse:
    """What waits, with a form for each. Sorted and narrowed by the address; a bad value falls away."""
    _require_moderator(request)
    sort = request.GET.get("sort", "")
    sort = sort if sort in queue.SORTS else "oldest"
    kind = request.GET.get("kind", "")
    kind = kind if kind in settings.MODERATION_HANDLERS else ""
    try:
        found, following = queue.queue_page(sort=sort, kind=kind, cursor=request.GET.get("cursor", ""))
    except InvalidInput:
        found, following = queue.queue_page(sort=sort, kind=kind)
    context = {
        "cases": _shown(request, found),
        "appeals": queue.open_appeals()[:50],
        "sort": sort,
        "kind": kind,
        "kinds": [(name, _address(sort, name)) for name in settings.MODERATION_HANDLERS],
        "oldest_href": _address("oldest", kind),
        "most_href": _address("most", kind),
        "all_href": _address(sort, ""),
        "next_href": _address(sort, kind, following) if following else "",
        "notes": [import_string(path)() for path in settings.MODERATION_NOTES],
        "more_keys": [
            ("j k", _("In the queue: the next case, the one before")),
            ("1–5", _("Choose a decision")),
            ("Enter", _("Decide")),
            ("o", _("Open the thing")),
        ],
    }
    return render(request, "community/moderation.html", context)


def _address(sort: str, kind: str, cursor: str = "") -> str:
    given = {"sort": "" if sort == "oldest" else sort, "kind": kind, "cursor": cursor}
    query = urlencode({name: value for name, value in given.items() if value})
    return reverse("community:moderation") + (f"?{query}" if query else "")


def _shown(request: HttpRequest, found: list[queue.Waiting]) -> list[ShownCase]:
    ids = [one.pk for each in found for one in (each.case.subject, *each.reported, *each.others)]
    thumbs = _thumbs(request, ids)
    words = queue.words_of([each.case.subject for each in found if each.case.comment_id is None])
    return [ShownCase(each, _form(each.case, None), thumbs, words.get(each.case.subject_id, "")) for each in found]


def _thumbs(request: HttpRequest, ids: list[int]) -> Mapping[int, SafeString]:
    if not ids or not settings.SUBJECT_THUMBS:
        return {}
    return import_string(settings.SUBJECT_THUMBS)(request, ids)


def _form(case: Case, data: Mapping[str, object] | None) -> DecisionForm:
    handler = handler_of(kind_of(case.subject, case.comment))
    return DecisionForm(data, handler=handler, case=case, key=str(case.pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_page(request: HttpRequest, case_id: int) -> HttpResponse:
    """One case, open or closed, and where its decision is sent."""
    _require_moderator(request)
    case = get_object_or_404(Case.objects.for_queue(), pk=case_id)
    form = _form(case, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            decisions = queue.decide_group(case, _ticked(request), form.order(), by=request.user)
        except InvalidInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
        else:
            count = len(decisions)
            messages.success(request, ngettext("Decided.", "Decided %(count)d things.", count) % {"count": count})
            return redirect("community:moderation")
    waiting = queue.waiting(case)
    ids = [one.pk for one in (case.subject, *waiting.reported, *waiting.others)]
    context = {
        "shown": ShownCase(waiting, form, _thumbs(request, ids), _words(case)),
        "case": case,
        "history": queue.history_of(case.subject),
    }
    return render(request, "community/moderation_case.html", context, status=400 if form.errors else 200)


def _words(case: Case) -> str:
    return "" if case.comment_id else queue.words_of([case.subject]).get(case.subject_id, "")


def _ticked(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("also")[:_MOST_TICKED]
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def thing_page(request: HttpRequest, subject_id: int) -> HttpResponse:
    """Decide about a thing that nobody has reported, or restore one; an open case of it is shown instead."""
    _require_moderator(request)
    subject = get_object_or_404(Subject.objects.select_related("owner"), pk=subject_id)
    if subject.kind not in settings.MODERATION_HANDLERS:
        raise Http404
    if waits := Case.objects.open().filter(subject=subject, comment=None).first():
        return redirect("community:moderation-case", waits.pk)
    data = request.POST if request.method == "POST" else None
    form = DecisionForm(data, handler=handler_of(subject.kind), key=f"thing-{subject.pk}")
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(decide(subject, form.order(), by=request.user))
        except InvalidInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
    context = {
        "subject": subject,
        "form": form,
        "history": queue.history_of(subject),
        "thumb": _thumbs(request, [subject.pk]).get(subject.pk),
        "words": queue.words_of([subject]).get(subject.pk, ""),
    }
    return render(request, "community/moderation_thing.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def settle(request: HttpRequest, appeal_id: int) -> HttpResponse:
    _require_moderator(request)
    found = get_object_or_404(Appeal, pk=appeal_id)
    overturn = request.POST.get("act") == "overturn"
    settle_appeal(found, overturn=overturn, by=request.user, answer=request.POST.get("answer", ""))
    messages.success(request, _("The appeal was granted.") if overturn else _("The decision stands."))
    return redirect("community:moderation")


@login_required
@require_safe
def block_list(request: HttpRequest) -> HttpResponse:
    _require_moderator(request)
    rows = BlockedHash.objects.select_related("actor", "decision")
    page = keyset_page(rows, ("-pk",), cursor=request.GET.get("cursor", ""), size=queue.LOG_SIZE)
    context = {"rows": [(row, label_of(row.rule)) for row in page.items], "next": page.next}
    return render(request, "community/moderation_blocked.html", context)


@login_required
@require_POST
def end_block(request: HttpRequest, block_id: int) -> HttpResponse:
    unblock(get_object_or_404(BlockedHash, pk=block_id), by=request.user)
    messages.success(request, _("The hash was taken off the list. What was held because of it stays held."))
    return redirect("community:moderation-blocked")


@require_safe
def public_log(request: HttpRequest) -> HttpResponse:
    """Every decision without names, titles or evidence, to its end; for moderators alone where the site says so."""
    if not settings.MODERATION_LOG and not getattr(request.user, "is_moderator", False):
        raise Http404
    try:
        page = queue.log_page(cursor=request.GET.get("cursor", ""))
    except InvalidInput:
        page = queue.log_page()
    context = {"rows": [LogLine.of(row) for row in page.items], "next": page.next}
    return render(request, "community/moderation_log.html", context)


@dataclass(frozen=True)
class LogLine:
    """What the public reads of a decision."""

    decision: Decision
    rule: str
    appeal: str

    @classmethod
    def of(cls, decision: Decision) -> LogLine:
        followed = getattr(decision, "appeal", None)
        return cls(decision, label_of(decision.rule), followed.get_state_display() if followed else "")


def _require_moderator(request: HttpRequest) -> None:
    if not request.user.is_moderator:
        raise NotAllowed(_("Only moderators see this."))
