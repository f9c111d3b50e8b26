"""The staff chooses the checkpoint on which adapters of a base model are shown."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from community.errors import InvalidInput, NotAllowed, SafelightError
from inference.models import FamilyDefault
from inference.services.defaults import clear_default, set_default
from registry.formats.catalog import BASE_MODELS
from registry.models import ModelVersion


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def default_checkpoints(request: HttpRequest) -> HttpResponse:
    """`/staff/defaults`: one a base model, by the address or the number of a version."""
    if not request.user.is_moderator:
        raise NotAllowed(_("Only the staff of the site chooses default checkpoints."))
    if request.method == "POST":
        try:
            _change(request)
        except SafelightError as refusal:
            messages.error(request, refusal.detail)
        return redirect("inference:staff-defaults")
    rows = FamilyDefault.objects.select_related("version__model__owner", "set_by")
    context = {"defaults": rows, "base_models": BASE_MODELS.values()}
    return render(request, "inference/staff_defaults.html", context)


def _change(request: HttpRequest) -> None:
    base_model = request.POST.get("base_model", "")
    if "clear" in request.POST:
        clear_default(base_model, by=request.user)
        messages.success(request, _("The default was cleared."))
        return
    set_default(base_model, _version(request), by=request.user)
    messages.success(request, _("The default was set."))


def _version(request: HttpRequest) -> ModelVersion:
    """The version that is meant by its number or by an address that ends in `version=…`."""
    number = request.POST.get("version", "").strip().rpartition("version=")[2]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise InvalidInput(_("Give the number of a version, or its address."), field="version")
    version = ModelVersion.objects.visible_to(request.user).select_related("model").filter(pk=number).first()
    if version is None:
        raise InvalidInput(_("There is no such version."), field="version")
    return version
