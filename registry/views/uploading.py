"""The page on which files become a draft. Sending them is `static/js/upload.js`; this makes the rows."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods

from community.errors import NotAllowed, SafelightError
from community.ratings import RATING_NAMES
from registry import policies
from registry.forms import ModelForm, VersionForm
from registry.models import ModelVersion, Upload, VersionPreview
from registry.services.drafting import VERSION, begin_draft
from registry.services.publishing import unmet_publishing_checks
from registry.templatetags.safelight import inspection_step_word, verdict_word
from registry.views.shapes import differing_bases, differing_type, shown_files

_MOST_UPLOADS = 100
_RUNNING = (Upload.State.RECEIVING, Upload.State.COMPLETE, Upload.State.INSPECTING, Upload.State.DONE)
_UNDER_WAY = frozenset({"uploading", "waiting", "inspecting"})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Send files and begin a draft; with `?version=ID`, send files and pictures to a draft that is there."""
    version = _version(request)
    if version is not None:
        return _page(request, _draft(request, version))
    sent = request.POST if request.method == "POST" else None
    form, version_form = ModelForm(sent), VersionForm(sent, prefix="version", initial={"name": "v1.0"})
    if sent is not None and form.is_valid() & version_form.is_valid():
        draft = _begun(request, form, version_form)
        if draft is not None:
            return redirect(f"{reverse('registry:upload')}?version={draft.pk}")
    failed = bool(form.errors or version_form.errors)
    context = {"form": form, "version_form": version_form, "uploads": _own_uploads(request)}
    return _page(request, context, status=400 if failed else 200)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The page. Where parts go straight to a store, `settings.CONTENT_SECURITY_POLICY` lets it speak to that."""
    wanted = _uuid(request.GET.get("upload", ""))
    return render(request, "registry/upload.html", {**_words(request), "wanted": wanted, **context}, status=status)


def _begun(request: HttpRequest, form: ModelForm, version_form: VersionForm) -> ModelVersion | None:
    """The draft, or None with the refusal in the form that it is about."""
    uploads = _named_uploads(request)
    try:
        return begin_draft(by=request.user, model=form.changes(), version=version_form.changes(), uploads=uploads)
    except SafelightError as refusal:
        is_version = refusal.field.startswith(VERSION)
        refusal.field = refusal.field.removeprefix(VERSION)
        (version_form if is_version else form).refuse(refusal)
        return None


def _version(request: HttpRequest) -> ModelVersion | None:
    """The draft that `?version=` names: 404 for what one may not see, 403 for what is not one's own."""
    text = request.GET.get("version", "")
    if not text:
        return None
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    visible = ModelVersion.objects.visible_to(request.user).select_related("model__owner", "model__subject")
    version = get_object_or_404(visible, pk=pk)
    if not policies.can_edit(request.user, version.model):
        raise NotAllowed(_("Only the owner of this model may do this."))
    return version


def _named_uploads(request: HttpRequest) -> list[Upload]:
    """The uploads that the form names, in its order; what is not one's own or not an id is passed over."""
    ids = [upload_id for text in request.POST.getlist("uploads")[:_MOST_UPLOADS] if (upload_id := _uuid(text))]
    found = Upload.objects.of(request.user).unused().in_bulk(ids)
    return [found[upload_id] for upload_id in dict.fromkeys(ids) if upload_id in found]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _own_uploads(request: HttpRequest) -> list[Upload]:
    """What was sent and stands nowhere yet, so that the page can go on with it."""
    rows = Upload.objects.of(request.user).unused().filter(state__in=_RUNNING)
    return list(rows.select_related("blob")[:_MOST_UPLOADS])


def _draft(request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
    """What the page shows of a draft: its files with what was detected, its pictures, what is missing."""
    files = list(version.files.for_display().prefetch_related("waivers"))
    for file in files:
        file.version = version
    previews = list(VersionPreview.objects.listed_to(request.user).filter(version=version).for_display())
    primary = next((file for file in files if file.is_primary), None)
    return {
        "version": version,
        "model": version.model,
        "files": shown_files(files, request),
        "previews": previews,
        "unmet": unmet_publishing_checks(version) if version.is_draft else [],
        "watching": any(file.state in _UNDER_WAY for file in files)
        or any(preview.state == VersionPreview.State.WAITING for preview in previews),
        "differing_type": differing_type(version.model, primary),
        "differing_bases": differing_bases(version, primary),
        "uploads": _own_uploads(request) if version.is_draft else [],
        "ratings": list(RATING_NAMES),
    }


def _words(request: HttpRequest) -> dict[str, Any]:
    """What the script says, in the reader's language."""
    return {
        "api": reverse("api-uploads").removesuffix("uploads"),
        "ratings": list(RATING_NAMES),
        "site_address": request.build_absolute_uri("/").removesuffix("/"),
        "words": {
            "waiting": _("Waiting for its turn"),
            "sending": _("Sending"),
            "paused": _("Paused"),
            "again": _("The connection broke. Trying again."),
            "checking": _("Looking which parts are there"),
            "complete": _("Sent. Waiting for the inspection"),
            "done": _("Inspected"),
            "failed": _("Failed"),
            "stopped": _("Stopped"),
            "pick": _("Not all sent. Choose the same file again to go on."),
            "attached": _("In the draft"),
            "unattached": _("Sent. It joins the draft when you make it."),
            "rating": _("Choose a rating."),
            "of": pgettext("3 MB of 7 GB", "{done} of {total}"),
            "left": pgettext("remaining time", "{time} left"),
            "offline": _("The site does not answer. Check the connection and try again."),
            "recognized": _("Filled in from the header of “{name}”."),
            "unknown": _("Its header does not say what it is. Fill in the fields yourself."),
            "steps": {
                step: inspection_step_word(step)
                for step in ("", "header", "hashing", "scanning", "recognizing", "finishing")
            },
            "verdicts": {word: verdict_word(word) for word in ("pending", "safe", "check", "blocked", "unreadable")},
        },
    }
