"""Reactions: a form's buttons, which htmx answers with the buttons alone."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from community.models import Subject
from community.services import reacting
from community.templatetags.community_people import card_acts, reaction_choices
from community.views.returning import back_to


@login_required
@require_POST
def react(request: HttpRequest, subject_id: int) -> HttpResponse:
    """`give` names a reaction to add, `take` one to take back."""
    subject = get_object_or_404(Subject.objects.visible_to(request.user), pk=subject_id)
    if "take" in request.POST:
        reacting.take_back(subject, request.POST["take"], by=request.user)
    else:
        reacting.react(subject, request.POST.get("give", ""), by=request.user)
    if not request.htmx:
        return back_to(request, subject.address)
    subject.refresh_from_db()
    mine = reacting.reactions_by(request.user, [subject.pk])
    if "card" in request.POST:
        return render(request, "components/card_acts.html", card_acts(subject, mine))
    context = reaction_choices(subject, mine, request.POST.get("next", ""))
    return render(request, "components/reactions.html", context)
