"""A person's page."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from community.forms import RoleForm
from community.models import Subject, User
from community.services.accounts import set_role
from community.services.following import standing_of
from community.services.reacting import reactions_received
from community.views import linked


@dataclass(frozen=True)
class Figure:
    count: int
    label: str


@require_safe
def profile(request: HttpRequest, name: str) -> HttpResponse:
    """Who somebody is, and what other rooms have to show of them (`settings.PROFILE_PANELS`).

    A panel is a function of the request and the person that returns safe HTML, or nothing.
    """
    person = get_object_or_404(User, username__iexact=name, is_active=True)
    if person.username != name:
        return redirect(person)
    panels = [import_string(path)(request, person) for path in settings.PROFILE_PANELS]
    form = RoleForm(initial={"role": person.role}) if getattr(request.user, "is_operator", False) else None
    subject = Subject.objects.filter(kind="person", owner=person).first()
    context = {
        "person": person,
        "panels": [panel for panel in panels if panel],
        "role_form": form,
        "subject": subject,
        "standing": standing_of(subject, request.user),
        "figures": _figures(person, subject),
        "linked": linked.profile_data(request, person, subject),
        "share": linked.profile_share(request, person),
    }
    return render(request, "community/profile.html", context)


def _figures(person: User, subject: Subject | None) -> list[Figure]:
    """What stands under a name: the site's own figures and those of other rooms (`settings.PROFILE_FIGURES`)."""
    followers = subject.follower_count if subject else 0
    reactions = reactions_received(person)
    found = [figure for path in settings.PROFILE_FIGURES for figure in import_string(path)(person)]
    found.append((followers, ngettext("follower", "followers", followers)))
    found.append((reactions, ngettext("reaction", "reactions", reactions)))
    return [Figure(count, label) for count, label in found]


@login_required
@require_POST
def change_role(request: HttpRequest, person_id: int) -> HttpResponse:
    """An operator makes somebody a member, a moderator or an operator."""
    person = get_object_or_404(User, pk=person_id, is_active=True)
    set_role(person, request.POST.get("role", ""), by=request.user)
    messages.success(request, _("The role was changed."))
    return redirect(person)
