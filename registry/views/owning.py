"""What owners do with their works, and moderators with anybody's: each act a form that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import NotAllowed, SafelightError
from community.models import User
from registry import policies
from registry.errors import NotReadyToPublish
from registry.forms import ModelForm, ReasonForm, RefusableForm, VersionForm
from registry.models import ModelFile, ModelVersion, RegisteredModel, Upload
from registry.models.files import Verdict
from registry.services.catalog import create_version, edit_model, edit_version
from registry.services.moderating import restore_model, take_down_model
from registry.services.publishing import (
    delete_model,
    delete_version,
    publish_version,
    unmet_publishing_checks,
    withdraw_version,
)
from registry.views.models import visible_model
from registry.views.shapes import shown_files

_RUNNING = (Upload.State.RECEIVING, Upload.State.COMPLETE, Upload.State.INSPECTING, Upload.State.FAILED)
# Of these, those that change by themselves.
_MOVING = (Upload.State.COMPLETE, Upload.State.INSPECTING)
_MOST_SHOWN = 200


@login_required
@require_safe
def my_work(request: HttpRequest) -> HttpResponse:
    """One's drafts, running uploads and published models."""
    versions = ModelVersion.objects.filter(model__owner=request.user).select_related("model__owner")
    drafts = versions.filter(state=ModelVersion.State.DRAFT)[:_MOST_SHOWN]
    models = RegisteredModel.objects.filter(owner=request.user).select_related("owner").order_by("-updated_at")
    uploads = Upload.objects.of(request.user).filter(state__in=_RUNNING, files__isnull=True)
    shown = list(uploads[:_MOST_SHOWN])
    context = {
        "drafts": drafts,
        "uploads": shown,
        "watching": any(upload.state in _MOVING for upload in shown),
        "published": models.filter(first_published_at__isnull=False)[:_MOST_SHOWN],
        "empty_models": models.filter(versions__isnull=True)[:_MOST_SHOWN],
        "stopped": stopped_files(request.user)[:_MOST_SHOWN],
    }
    return render(request, "registry/my_work.html", context)


def stopped_files(owner: User) -> QuerySet[ModelFile]:
    """Files in published versions that are served no more: rules that came later block them."""
    published = ModelFile.objects.filter(version__model__owner=owner, version__state=ModelVersion.State.PUBLISHED)
    return published.filter(blob__verdict=Verdict.BLOCKED).select_related("version__model", "blob").order_by("-pk")


# Models ---------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_edit(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    model = _own_model(request, owner, name)
    form = ModelForm(request.POST or None, initial=ModelForm.initial_of(model))
    if _accepted(request, form, lambda: edit_model(model, by=request.user, **form.changes())):
        model.refresh_from_db()
        messages.success(request, _("Saved."))
        return redirect(model)
    return _form_page(request, "registry/model_form.html", form, model=model)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_delete(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    model = _own_model(request, owner, name)
    form = ReasonForm(request.POST if request.method == "POST" else None, needed=False)
    if _accepted(request, form, lambda: delete_model(model, form.cleaned_data["reason"], by=request.user)):
        messages.success(request, _("“%(title)s” was deleted.") % {"title": model.title})
        return redirect("registry:my")
    return _form_page(request, "registry/model_delete.html", form, model=model)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_take_down(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """A moderator hides a model, or puts it back."""
    model = visible_model(request, owner, name)
    if not policies.can_moderate(request.user):
        raise NotAllowed(_("Only a moderator may do this."))
    act = take_down_model if model.taken_down_at is None else restore_model
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if _accepted(request, form, lambda: act(model, form.cleaned_data["reason"], by=request.user)):
        return redirect(model)
    return _form_page(request, "registry/model_take_down.html", form, model=model)


# Versions -------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_new(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    model = _own_model(request, owner, name)
    form = VersionForm(request.POST or None)
    made: list[ModelVersion] = []
    if _accepted(request, form, lambda: made.append(create_version(model, by=request.user, **form.changes()))):
        return redirect("registry:version-edit", made[0].pk)
    return _form_page(request, "registry/version_form.html", form, model=model)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_edit(request: HttpRequest, version_id: int) -> HttpResponse:
    version = _own_version(request, version_id)
    form = VersionForm(request.POST or None, initial=VersionForm.initial_of(version))
    if _accepted(request, form, lambda: edit_version(version, by=request.user, **form.changes())):
        messages.success(request, _("Saved."))
        return redirect(version)
    files = list(version.files.for_display().prefetch_related("waivers"))
    for file in files:
        file.version = version
    return _form_page(
        request,
        "registry/version_form.html",
        form,
        model=version.model,
        version=version,
        files=shown_files(files, request),
        unmet=unmet_publishing_checks(version) if version.is_draft else [],
    )


@login_required
@require_POST
def version_publish(request: HttpRequest, version_id: int) -> HttpResponse:
    """Publish, or go back to the draft, which lists what is missing."""
    version = _own_version(request, version_id)
    try:
        publish_version(version, by=request.user)
    except NotReadyToPublish as refusal:
        messages.error(request, refusal.detail)
        return redirect("registry:version-edit", version.pk)
    messages.success(request, _("Published. Everybody can find and download it now."))
    return redirect(version)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_withdraw(request: HttpRequest, version_id: int) -> HttpResponse:
    version = _own_version(request, version_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if _accepted(request, form, lambda: withdraw_version(version, form.cleaned_data["reason"], by=request.user)):
        return redirect(version)
    return _form_page(request, "registry/version_withdraw.html", form, model=version.model, version=version)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_delete(request: HttpRequest, version_id: int) -> HttpResponse:
    version = _own_version(request, version_id)
    form = ReasonForm(request.POST if request.method == "POST" else None, needed=False)
    if _accepted(request, form, lambda: delete_version(version, form.cleaned_data["reason"], by=request.user)):
        messages.success(request, _("The version “%(name)s” was deleted.") % {"name": version.name})
        return redirect(version.model)
    return _form_page(request, "registry/version_delete.html", form, model=version.model, version=version)


# ----------------------------------------------------------------------------------------------------------------


def _own_model(request: HttpRequest, owner: str, name: str) -> RegisteredModel:
    model = visible_model(request, owner, name)
    _require_editor(request, model)
    return model


def _own_version(request: HttpRequest, version_id: int) -> ModelVersion:
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__owner", "model__subject")
    version = get_object_or_404(visible, pk=version_id)
    _require_editor(request, version.model)
    return version


def _require_editor(request: HttpRequest, model: RegisteredModel) -> None:
    if not policies.can_edit(request.user, model):
        raise NotAllowed(_("Only the owner of this model may do this."))


def _accepted(request: HttpRequest, form: RefusableForm, act: Callable[[], Any]) -> bool:
    """Do the act with a form that was sent and is whole. A refusal is put into the form."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        act()
    except SafelightError as refusal:
        form.refuse(refusal)
        return False
    return True


def _form_page(request: HttpRequest, template: str, form: RefusableForm, **context: Any) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=400 if form.errors else 200)
