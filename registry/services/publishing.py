"""Versions come out, are withdrawn, and are deleted. Each act writes subject and search row in its own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import Notice, Subject, User
from community.services.blocking import blocked_bytes
from community.services.notifications import announce
from registry.errors import NotReadyToPublish
from registry.formats.catalog import BASE_MODELS
from registry.licenses.catalog import LICENSES, OWN_LICENSE
from registry.models import ModelFile, ModelVersion, RegisteredModel
from registry.models.files import Verdict
from registry.policies import is_passing
from registry.services.guards import require_editor
from registry.services.listing import forget_reviews, lock_model, refresh_listing
from registry.services.tombstones import raise_tombstones
from registry.services.wording import clean_reason


@dataclass(frozen=True)
class Unmet:
    """One thing that a version still lacks. `code` is stable, `field` says where to mend it, `detail` tells people."""

    code: str
    field: str
    detail: str


@transaction.atomic
def publish_version(version: ModelVersion, *, by: User) -> ModelVersion:
    """Make a version public, with the licence and permissions that its model has now.

    Publishing twice changes nothing, so that a retried request is harmless. One that was withdrawn comes back under
    the rights it had. Raises NotReadyToPublish with every unmet check.
    """
    require_editor(by, version.model)
    model = lock_model(version.model)
    version = _lock_version(model, version)
    if version.state == ModelVersion.State.PUBLISHED:
        return version
    unmet = unmet_publishing_checks(version)
    if unmet:
        raise NotReadyToPublish(
            " ".join(check.detail for check in unmet),
            field=unmet[0].field,
            extra={"unmet": [asdict(check) for check in unmet]},
        )
    is_new = model.first_published_at is None
    _make_public(version, model)
    version.model = refresh_listing(model)
    _tell_followers(version, by, is_new)
    for path in settings.PUBLISH_LISTENERS:
        import_string(path)(version)
    return version


def _make_public(version: ModelVersion, model: RegisteredModel) -> None:
    now = timezone.now()
    if version.published_at is None:
        version.license, version.license_text = model.license, model.license_text
        version.permissions = model.permissions
        version.published_at = now
    version.state = ModelVersion.State.PUBLISHED
    version.withdrawn_at, version.withdrawn_reason = None, ""
    version.save()
    model.first_published_at = model.first_published_at or now
    model.save(update_fields=["first_published_at", "updated_at"])


def _tell_followers(version: ModelVersion, by: User, is_new: bool) -> None:
    """Once for each version: whoever follows the model or its author, and for a new model its tags, is told."""
    model = version.model
    followed = [model.subject]
    if is_new:
        names = [tag.name.lower() for tag in model.tags.all()]
        followed += Subject.objects.filter(kind="tag").alias(low=Lower("title")).filter(low__in=names)
    announce(
        Notice.Kind.MODEL if is_new else Notice.Kind.VERSION,
        subject=model.subject,
        actor=by,
        followed=followed,
        params={"name": version.name, "address": version.get_absolute_url()},
        event=f"version:{version.pk}",
    )


def unmet_publishing_checks(version: ModelVersion) -> list[Unmet]:
    """Everything that stands between a version and the public, so that its author sees the whole list at once."""
    return [*_unmet_of_rights(version), *_unmet_of_version(version), *_unmet_of_files(version)]


def _unmet_of_rights(version: ModelVersion) -> Iterable[Unmet]:
    model = version.model
    if model.taken_down_at is not None:
        yield Unmet("taken_down", "model", _("A moderator has taken this model down."))
    if version.published_at is not None:  # its rights were frozen when it first came out
        return
    if model.license not in LICENSES:
        yield Unmet("license_missing", "license", _("Choose a license."))
    elif model.license == OWN_LICENSE and not model.license_text.strip():
        yield Unmet("license_text_missing", "license_text", _("Write the text of your license."))
    if model.permissions is None:
        yield Unmet("permissions_missing", "permissions", _("Say what others may do with it."))


def _unmet_of_version(version: ModelVersion) -> Iterable[Unmet]:
    if version.base_model not in BASE_MODELS:
        yield Unmet("base_model_missing", "base_model", _("Choose the base model that it works with."))


def _unmet_of_files(version: ModelVersion) -> Iterable[Unmet]:
    files = list(version.files.select_related("blob", "upload").prefetch_related("waivers"))
    if not files:
        yield Unmet("files_missing", "files", _("Add at least one file."))
    blocked = blocked_bytes(file.blob_id for file in files)
    for file in files:
        if file.blob_id in blocked:
            sentence = _("“%(name)s” is on the site's block list: %(reason)s")
            values = {"name": file.name, "reason": blocked[file.blob_id].reason}
            yield Unmet("blocked_bytes", "files", sentence % values)
        if not is_passing(file):
            yield Unmet(f"file_{file.verdict}", "files", _file_sentence(file))


def _file_sentence(file: ModelFile) -> str:
    sentences = {
        Verdict.PENDING: _("“%(name)s” has not been inspected yet."),
        Verdict.CHECK: _("“%(name)s” holds something that is not on the list of safe constructors."),
        Verdict.BLOCKED: _("“%(name)s” could run code and is blocked."),
        Verdict.UNREADABLE: _("“%(name)s” is broken or not what it claims to be."),
    }
    return sentences[Verdict(file.verdict)] % {"name": file.name}


@transaction.atomic
def withdraw_version(version: ModelVersion, reason: str, *, by: User) -> ModelVersion:
    """Take a published version back: it is no longer listed or served, and its hashes say that it was withdrawn.

    Withdrawing twice changes nothing. Raises Conflict for a draft, InvalidInput without a reason.
    """
    require_editor(by, version.model)
    reason = clean_reason(reason)
    model = lock_model(version.model)
    version = _lock_version(model, version)
    if version.state == ModelVersion.State.WITHDRAWN:
        return version
    if version.is_draft:
        raise Conflict(_("A draft was never public. Delete it instead."), code="not_published", field="version")
    version.state, version.withdrawn_at, version.withdrawn_reason = ModelVersion.State.WITHDRAWN, timezone.now(), reason
    version.save()
    version.model = refresh_listing(model)
    return version


@transaction.atomic
def delete_version(version: ModelVersion, reason: str = "", *, by: User) -> None:
    """Delete a version and the names of its files. What was ever public leaves tombstones; bytes go by a sweep."""
    require_editor(by, version.model)
    reason = clean_reason(reason, required=False)
    model = lock_model(version.model)
    version = _lock_version(model, version)
    raise_tombstones([version], reason)
    forget_reviews(model.versions.filter(pk=version.pk))
    version.delete()
    refresh_listing(model)


@transaction.atomic
def delete_model(model: RegisteredModel, reason: str = "", *, by: User) -> None:
    """Delete a model with its versions, comments and addresses. What was ever public leaves tombstones."""
    require_editor(by, model)
    reason = clean_reason(reason, required=False)
    model = lock_model(model)
    raise_tombstones(model.versions.select_for_update(), reason)
    subject = model.subject
    forget_reviews(model.versions.all())
    model.delete()
    subject.delete()


def _lock_version(model: RegisteredModel, version: ModelVersion) -> ModelVersion:
    """The version as it stands. Raises Conflict when it was deleted meanwhile."""
    found = model.versions.select_for_update().filter(pk=version.pk).first()
    if found is None:
        raise Conflict(_("This version is gone."), code="gone", field="version")
    found.model = model
    return found
