"""Reporting a thing, reading what was decided about one's own, asking for another look. Works without scripts."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import InvalidInput, RateLimited
from community.models import Appeal, Comment, Decision, Report, Subject
from community.moderation_forms import AppealForm, ReportForm, SettleForm
from community.rules import label_of
from community.services.appealing import appeal
from community.services.closing import closed_by_code
from community.services.reporting import find_reported, is_reportable, report


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_thing(request: HttpRequest, subject_id: int) -> HttpResponse:
    """Report a thing that one may see; with `?comment=` one of the comments under it."""
    subject = get_object_or_404(Subject.objects.visible_to(request.user).select_related("owner"), pk=subject_id)
    return _report(request, subject, _comment(request, subject))


def _report(request: HttpRequest, subject: Subject, comment: Comment | None) -> HttpResponse:
    """The form, and what is sent with it."""
    if not is_reportable(subject):
        raise Http404
    known = Report.objects.filter(
        reporter=request.user, case__subject=subject, case__comment=comment, case__closed_at=None
    ).first()
    initial = {"rule": known.rule, "text": known.text} if known else {}
    form = ReportForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            report(subject, form.cleaned_data["rule"], by=request.user, comment=comment, text=form.cleaned_data["text"])
        except (InvalidInput, RateLimited) as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
        else:
            messages.success(
                request, _("Thank you. Moderators will look at it, and you will be told what they decide.")
            )
            return redirect(subject.address)
    context = {"subject": subject, "comment": comment, "form": form, "known": known}
    return render(request, "community/report.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_named(request: HttpRequest, kind: str, thing: str) -> HttpResponse:
    """The same by the name that follows and hides go by: a person has no subject before somebody needs one.

    What is reported by its address alone, such as an unlisted collection, is reported here; its number opens nothing.
    """
    subject = find_reported(kind, thing, request.user)
    if subject is None or not is_reportable(subject):
        raise Http404
    if Subject.objects.visible_to(request.user).filter(pk=subject.pk).exists():
        return redirect("community:report", subject.pk)
    return _report(request, subject, None)


def _comment(request: HttpRequest, subject: Subject) -> Comment | None:
    given = request.GET.get("comment", "")
    if not given:
        return None
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    rows = subject.comments.standing().select_related("author", "subject")
    return get_object_or_404(rows, pk=number)


@login_required
@require_safe
def decision_page(request: HttpRequest, decision_id: int) -> HttpResponse:
    """What was decided about a thing of one's own, by which rule and why; moderators see the evidence, too."""
    decision = _find(request, decision_id)
    context = {
        "decision": decision,
        "rule": label_of(decision.rule),
        "appeal": Appeal.objects.filter(decision=decision).select_related("person").first(),
        "form": AppealForm(),
        "settle_form": SettleForm(),
        "mine": decision.owner_id == request.user.pk,
    }
    return render(request, "community/moderation_decision.html", context)


@login_required
@require_POST
def appeal_decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    """One press asks for another look; words are welcome and not needed."""
    decision = _find(request, decision_id)
    appeal(decision, by=request.user, text=request.POST.get("text", ""))
    messages.success(request, _("Another moderator will look at it."))
    return redirect(decision)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def closed(request: HttpRequest, code: str) -> HttpResponse:
    """Why an account is closed, and the one appeal; for whoever has its link, and nothing else is opened by it."""
    decision = closed_by_code(code)
    if decision is None:
        raise Http404
    known = Appeal.objects.filter(decision=decision).first()
    form = AppealForm(request.POST or None)
    if request.method == "POST" and known is None:
        try:
            appeal(decision, by=decision.owner, text=request.POST.get("text", ""))
            return redirect(request.path)
        except InvalidInput as refusal:
            form = AppealForm(request.POST)
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)
    context = {"decision": decision, "rule": label_of(decision.rule), "appeal": known, "form": form}
    return render(request, "community/closed.html", context, status=400 if form.errors else 200)


def _find(request: HttpRequest, decision_id: int) -> Decision:
    rows = Decision.objects.visible_to(request.user).select_related("actor", "owner", "subject", "comment")
    return get_object_or_404(rows, pk=decision_id)
