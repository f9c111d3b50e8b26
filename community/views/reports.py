"""Reporting a thing, reading what was decided about one's own, asking for another look. Works without scripts."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import InvalidInput, RateLimited
from community.models import Appeal, Comment, Decision, Report, Subject
from community.moderation_forms import AppealForm, ReportForm, SettleForm
from community.rules import label_of
from community.services.appealing import appeal
from community.services.following import find_subject
from community.services.reporting import is_reportable, report


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_thing(request: HttpRequest, subject_id: int) -> HttpResponse:
    """Report a thing that one may see; with `?comment=` one of the comments under it."""
    subject = get_object_or_404(Subject.objects.visible_to(request.user).select_related("owner"), pk=subject_id)
    comment = _comment(request, subject)
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
@require_safe
def report_named(request: HttpRequest, kind: str, thing: str) -> HttpResponse:
    """The same by the name that follows and hides go by: a person has no subject before somebody needs one."""
    subject = find_subject(kind, thing, request.user)
    if subject is None or not is_reportable(subject):
        raise Http404
    return redirect("community:report", subject.pk)


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


def _find(request: HttpRequest, decision_id: int) -> Decision:
    rows = Decision.objects.visible_to(request.user).select_related("actor", "owner", "subject", "comment")
    return get_object_or_404(rows, pk=decision_id)
