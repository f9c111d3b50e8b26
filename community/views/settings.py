"""What a person sets for themselves."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings as site
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.adapters import remember_language
from community.errors import SafelightError
from community.forms import InvitationForm, ProfileForm, TokenForm
from community.models import ApiToken, Invitation
from community.services.accounts import create_invitation, may_invite, withdraw_invitation
from community.services.limits import caller_key, check_rate
from community.services.tokens import create_token, revoke_token

_LISTED = 200


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return redirect("community:settings-profile")


@login_required
@require_http_methods(["GET", "POST"])
def edit_profile(request: HttpRequest) -> HttpResponse:
    """What others read of one, the browsing level, the language."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        person = form.save()
        messages.success(request, _("Saved."))
        response = redirect("community:settings-profile")
        remember_language(response, person.language)
        if not person.language:
            response.delete_cookie(site.LANGUAGE_COOKIE_NAME, samesite=site.LANGUAGE_COOKIE_SAMESITE)
        return response
    # An invalid form has written into the person whom the rest of the page speaks of.
    request.user.refresh_from_db()
    return render(request, "community/settings_profile.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's keys for programs: make one (shown this once), see the others, end them."""
    form = TokenForm(request.POST or None)
    plain = ""
    if request.method == "POST" and form.is_valid():
        check_rate("token", caller_key(request))
        plain = _make_token(request, form)
        form = TokenForm() if plain else form
    shown = ApiToken.objects.filter(user=request.user, revoked_at__isnull=True)[:_LISTED]
    context = {"form": form, "plain": plain, "tokens": shown, "now": timezone.now()}
    return render(request, "community/settings_tokens.html", context, status=400 if form.errors else 200)


def _make_token(request: HttpRequest, form: TokenForm) -> str:
    days = form.cleaned_data["days"]
    expires_at = None if days == "never" else timezone.now() + timedelta(days=int(days))
    try:
        _token, plain = create_token(
            request.user, form.cleaned_data["name"], form.cleaned_data["scopes"], expires_at=expires_at
        )
    except SafelightError as refusal:
        _tell(form, refusal)
        return ""
    return plain


def _tell(form: Form, refusal: SafelightError) -> None:
    """Put a service's refusal beside the field that it names."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.detail)


@login_required
@require_POST
def end_token(request: HttpRequest, token_id: int) -> HttpResponse:
    revoke_token(get_object_or_404(ApiToken, pk=token_id, user=request.user))
    messages.success(request, _("The token was revoked."))
    return redirect("community:tokens")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    """Ways in for others, made by those who may (`settings.INVITERS`). An invitation's address is shown once."""
    form = InvitationForm(request.POST or None)
    address = ""
    if request.method == "POST" and form.is_valid():
        check_rate("token", caller_key(request))
        try:
            _invitation, code = create_invitation(by=request.user, note=form.cleaned_data["note"])
            address = request.build_absolute_uri(f"{reverse('account_signup')}?invitation={code}")
            form = InvitationForm()
        except SafelightError as refusal:
            if not may_invite(request.user):
                raise
            _tell(form, refusal)
    made = Invitation.objects.filter(created_by=request.user).select_related("used_by")[:_LISTED]
    context = {"form": form, "address": address, "invitations": made, "now": timezone.now()}
    if not may_invite(request.user):
        return render(request, "403.html", status=403)
    return render(request, "community/settings_invitations.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def end_invitation(request: HttpRequest, invitation_id: int) -> HttpResponse:
    withdraw_invitation(get_object_or_404(Invitation, pk=invitation_id, created_by=request.user))
    messages.success(request, _("The invitation was taken back."))
    return redirect("community:invitations")
