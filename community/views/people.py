"""A person's page."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from community.forms import RoleForm
from community.models import User
from community.services.accounts import set_role


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
    context = {"person": person, "panels": [panel for panel in panels if panel], "role_form": form}
    return render(request, "community/profile.html", context)


@login_required
@require_POST
def change_role(request: HttpRequest, person_id: int) -> HttpResponse:
    """An operator makes somebody a member, a moderator or an operator."""
    person = get_object_or_404(User, pk=person_id, is_active=True)
    set_role(person, request.POST.get("role", ""), by=request.user)
    messages.success(request, _("The role was changed."))
    return redirect(person)
