"""Files of a draft: attached from an upload, taken away, put first."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import User
from registry.models import ModelFile, ModelVersion, Upload
from registry.services.conversions import offer_conversion
from registry.services.guards import require_editor
from registry.services.listing import lock_model
from registry.services.wording import clean_file_name

MAX_FILES = 500
_ARRIVED = frozenset({Upload.State.COMPLETE, Upload.State.INSPECTING, Upload.State.DONE})


class UnknownUpload(InvalidInput):
    """No upload of this person's has that id; whether somebody else's has, is not said."""

    status = 404
    code = "unknown_upload"


@transaction.atomic
def attach_file(version: ModelVersion, upload: Upload | uuid.UUID | str, name: str, *, by: User) -> ModelFile:
    """Put an upload's bytes into a draft under a name. The file is listed at once and judged when its inspection is.

    Raises UnknownUpload for an upload that is not `by`'s own, Conflict for one that is not complete, for a name that
    the version already has and for a version that is no draft, InvalidInput for a bad name.
    """
    require_editor(by, version.model)
    name = clean_file_name(name)
    version = lock_draft(version)
    _refuse_taken_file_name(version.files.all(), name)
    if version.files.count() >= MAX_FILES:
        raise Conflict(_("A version has at most %(most)d files.") % {"most": MAX_FILES}, code="too_many", field="name")
    sent = _arrived_upload(upload, by)
    file = ModelFile.objects.create(
        version=version,
        name=name,
        upload=sent,
        blob=sent.blob,
        size=sent.size,
        position=_next_position(version),
        is_primary=not version.files.filter(is_primary=True).exists(),
    )
    if sent.blob is not None:
        offer_conversion(sent.blob)
    return file


def _arrived_upload(upload: Upload | uuid.UUID | str, by: User) -> Upload:
    """The upload, held, so that an inspection which ends meanwhile either sees the file or has left its blob here."""
    try:
        sent = Upload.objects.of(by).select_for_update().get(pk=upload.pk if isinstance(upload, Upload) else upload)
    except (Upload.DoesNotExist, ValidationError, ValueError, TypeError):
        raise UnknownUpload(_("You have no upload with this id."), field="upload") from None
    if sent.state not in _ARRIVED:
        raise Conflict(
            _("The upload of “%(name)s” is not complete; its state is “%(state)s”.")
            % {"name": sent.name, "state": sent.state},
            code="upload_not_complete",
            field="upload",
        )
    return sent


@transaction.atomic
def remove_file(file: ModelFile, *, by: User) -> None:
    """Take a file out of a draft. Another one becomes the primary file where this one was."""
    require_editor(by, file.version.model)
    version = lock_draft(file.version)
    version.files.filter(pk=file.pk).delete()
    if not version.files.filter(is_primary=True).exists():
        first = version.files.first()
        if first is not None:
            version.files.filter(pk=first.pk).update(is_primary=True)


@transaction.atomic
def rename_file(file: ModelFile, name: str, *, by: User) -> ModelFile:
    """Give a draft's file another name."""
    require_editor(by, file.version.model)
    name = clean_file_name(name)
    version = lock_draft(file.version)
    _refuse_taken_file_name(version.files.exclude(pk=file.pk), name)
    version.files.filter(pk=file.pk).update(name=name)
    return version.files.get(pk=file.pk)


@transaction.atomic
def set_primary_file(file: ModelFile, *, by: User) -> ModelFile:
    """Offer this file first. Which one is first is no part of what publication fixes."""
    require_editor(by, file.version.model)
    lock_model(file.version.model)
    files = ModelFile.objects.filter(version=file.version)
    files.exclude(pk=file.pk).filter(is_primary=True).update(is_primary=False)
    files.filter(pk=file.pk).update(is_primary=True)
    return files.get(pk=file.pk)


def _refuse_taken_file_name(files: QuerySet[ModelFile], name: str) -> None:
    if files.alias(low=Lower("name")).filter(low=Lower(Value(name))).exists():
        raise Conflict(
            _("This version already has a file named “%(name)s”.") % {"name": name}, code="name_taken", field="name"
        )


def _next_position(version: ModelVersion) -> int:
    last = version.files.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def lock_draft(version: ModelVersion) -> ModelVersion:
    """The version, held. Raises Conflict unless it is a draft: what was published never changes its files."""
    model = lock_model(version.model)
    version = model.versions.select_for_update().get(pk=version.pk)
    if not version.is_draft:
        raise Conflict(
            _("The files of a published version never change. Make a new version."), code="published", field="version"
        )
    return version
