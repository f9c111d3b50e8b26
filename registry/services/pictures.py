"""Preview pictures of a version: put there, described, ordered, taken away. `renditions` decodes them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import partial, reduce
from operator import or_
from typing import Final

from celery import current_app
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import User
from community.ratings import RATING_NAMES, Rating
from community.services.blocking import blocked_bytes
from registry.imaging.containers import name_of, sniff
from registry.imaging.containers.clips import clip_format, name_of_clip
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_BYTES
from registry.models import ModelVersion, Picture, Upload, VersionPreview
from registry.models.picture_refusals import explain_refusal
from registry.models.pictures import RENDERED_FROM
from registry.policies import Viewer
from registry.services.files import UnknownUpload
from registry.services.guards import require_editor
from registry.services.listing import lock_model, refresh_listing
from registry.services.wording import clean_line
from registry.storage import blob_store

MAKE_RENDITIONS: Final = "registry.make_renditions"
MAX_PREVIEWS: Final = 60
_MAX_ALT: Final = 500
_ARRIVED: Final = frozenset({Upload.State.COMPLETE, Upload.State.INSPECTING, Upload.State.DONE})


def read_rating(name: object) -> Rating:
    """The rating of that name (PG, PG-13, R, X, XXX). Raises InvalidInput: nothing is chosen for the author."""
    rating = RATING_NAMES.get(name) if isinstance(name, str) else None
    if rating is None:
        names = ", ".join(RATING_NAMES)
        raise InvalidInput(_("Choose a rating: one of %(names)s.") % {"names": names}, field="rating")
    return rating


@transaction.atomic
def add_preview(
    version: ModelVersion, upload: Upload | uuid.UUID | str, *, alt: str, rating: Rating, by: User
) -> VersionPreview:
    """Show an upload's picture on a draft or published version. It is listed at once and decoded later.

    Raises UnknownUpload for an upload that is not `by`'s own, Conflict for one that is not complete or is shown here
    already and for a withdrawn version, InvalidInput for what cannot be a picture.
    """
    require_editor(by, version.model)
    alt = _alt(alt)
    version = lock_version(version)
    if version.state == ModelVersion.State.WITHDRAWN:
        raise Conflict(_("A withdrawn version takes no pictures."), code="withdrawn", field="version")
    own = version.previews.filter(position__lt=RENDERED_FROM)
    if own.count() >= MAX_PREVIEWS:
        raise Conflict(
            _("A version has at most %(most)d pictures.") % {"most": MAX_PREVIEWS}, code="too_many", field="upload"
        )
    sent = arrived_picture(upload, by)
    if version.previews.filter(upload=sent).exists():
        raise Conflict(_("This picture is there already."), code="already_there", field="upload")
    last = own.aggregate(last=Max("position"))["last"]
    preview = VersionPreview.objects.create(
        version=version, upload=sent, alt=alt, rating=int(rating), position=0 if last is None else last + 1
    )
    if sent.blob is not None:
        attach_upload(sent)
    roll_up_rating(version)
    return VersionPreview.objects.for_display().get(pk=preview.pk)


def attach_upload(upload: Upload) -> None:
    """The upload's blob is known: give it to the previews that wait for it, and have the picture decoded.

    Part of the transaction that wrote the blob, which holds the upload's row. Harmless where nothing waits. What is no
    picture is refused on the preview, with the reason.
    """
    waiting = VersionPreview.objects.filter(upload=upload, picture=None, error={})
    if upload.blob is None or not waiting.exists():
        return
    try:
        waiting.update(picture=picture_of(upload))
    except PictureRefused as refusal:
        versions = list(waiting.values_list("version_id", flat=True))
        waiting.update(error={"code": refusal.code, "params": refusal.params})
        transaction.on_commit(partial(roll_up_ratings, versions))


def picture_of(upload: Upload, *, takes_clips: bool = False) -> Picture:
    """The picture of an upload whose blob is known, held and on its way to be decoded; one row however often sent.

    Raises PictureRefused where the first bytes and the name already tell that it is none. Clips are pictures only to
    those who say that they can show one.
    """
    refusal = _first_look(upload, takes_clips=takes_clips)
    if refusal is not None:
        raise refusal
    picture, _made = Picture.objects.select_for_update(of=("self",)).get_or_create(blob=upload.blob)
    if picture.error.get("code") == "reading_failed":  # our failure, not the picture's
        picture.state, picture.error, picture.tries = Picture.State.WAITING, {}, 0
        picture.save(update_fields=["state", "error", "tries"])
    if picture.state == Picture.State.WAITING:
        queue_renditions(picture.pk)
    return picture


def queue_renditions(picture_id: int) -> None:
    """Tell a worker, once the transaction is through. A lost message is no loss: the sweep finds the row."""

    def send() -> None:  # a function: Django names it in its log when it fails
        current_app.send_task(MAKE_RENDITIONS, [picture_id], queue="io", retry=False)

    transaction.on_commit(send, robust=True)


@transaction.atomic
def edit_preview(
    preview: VersionPreview, *, by: User, alt: str | None = None, rating: Rating | None = None
) -> VersionPreview:
    """Change what is said about a picture."""
    require_editor(by, preview.version.model)
    version = lock_version(preview.version)
    preview = _still_there(version, preview)
    if alt is not None:
        preview.alt = _alt(alt)
    if rating is not None:
        preview.rating = int(rating)
    preview.save(update_fields=["alt", "rating"])
    roll_up_rating(version)
    return preview


@transaction.atomic
def remove_preview(preview: VersionPreview, *, by: User) -> None:
    """Show a picture no longer. Its bytes go by a sweep when nothing else shows them."""
    require_editor(by, preview.version.model)
    version = lock_version(preview.version)
    version.previews.filter(pk=preview.pk).delete()
    roll_up_rating(version)


@transaction.atomic
def order_previews(version: ModelVersion, ids: Sequence[int], *, by: User) -> list[VersionPreview]:
    """Put a version's pictures in this order. Raises InvalidInput unless every one of them is named once."""
    require_editor(by, version.model)
    version = lock_version(version)
    previews = {preview.pk: preview for preview in version.previews.all()}
    if len(ids) != len(previews) or set(ids) != set(previews):
        raise InvalidInput(
            _("Name each picture of the version once; it has %(count)d.") % {"count": len(previews)}, field="pictures"
        )
    for position, pk in enumerate(ids):
        previews[pk].position = position
    VersionPreview.objects.bulk_update(previews.values(), ["position"])
    return list(version.previews.for_display())


@transaction.atomic
def roll_up_ratings(version_ids: Iterable[int]) -> None:
    """Bring these versions' ratings, and what follows from them, up to their pictures. Gone ones are passed over."""
    for version in ModelVersion.objects.filter(pk__in=set(version_ids)).select_related("model").order_by("model_id"):
        roll_up_rating(lock_version(version))


def covers_for_versions(versions: Iterable[ModelVersion | int], viewer: Viewer) -> dict[int, VersionPreview]:
    """The first picture of each version that the viewer may see, by version id. Two queries, however many."""
    ids = [version if isinstance(version, int) else version.pk for version in versions]
    first = _shown_to(viewer).filter(version__in=ids).order_by("version_id", "position", "pk").distinct("version_id")
    return {preview.version_id: preview for preview in _loaded(first)}


def covers_for_models(model_ids: Iterable[int], viewer: Viewer) -> dict[int, VersionPreview]:
    """The first picture that the viewer may see of each model's newest version that has one, by model id.

    Two queries, however many. A published version comes before drafts.
    """
    newest_first = F("version__published_at").desc(nulls_last=True)
    first = (
        _shown_to(viewer)
        .filter(version__model__in=list(model_ids))
        .order_by("version__model_id", newest_first, "-version_id", "position", "pk")
        .distinct("version__model_id")
    )
    return {preview.version.model_id: preview for preview in _loaded(first)}


def _shown_to(viewer: Viewer):
    return VersionPreview.objects.visible_to(viewer).ready()


def _loaded(previews) -> list[VersionPreview]:
    return list(previews.select_related("picture", "version").prefetch_related("picture__renditions"))


def _alt(alt: str) -> str:
    return clean_line(alt.replace("\n", " ").replace("\r", " ") if isinstance(alt, str) else alt, "alt", most=_MAX_ALT)


def lock_version(version: ModelVersion) -> ModelVersion:
    """The version as it stands, its model held."""
    return lock_model(version.model).versions.get(pk=version.pk)


def _still_there(version: ModelVersion, preview: VersionPreview) -> VersionPreview:
    found = version.previews.for_display().filter(pk=preview.pk).first()
    if found is None:
        raise Conflict(_("This picture was removed meanwhile."), code="gone")
    return found


def arrived_picture(upload: Upload | uuid.UUID | str, by: User) -> Upload:
    """An upload of `by`'s that is to be shown, held: an inspection that ends meanwhile either sees what shows it or
    has left its blob here. Raises UnknownUpload, Conflict (not complete), InvalidInput (too large for a picture).
    """
    try:
        # Without its blob: of a joined row the database answers what it saw before it waited for this one.
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
    if sent.size > MAX_BYTES:
        raise InvalidInput(
            explain_refusal("too_many_bytes", {"limit": MAX_BYTES}), code="too_many_bytes", field="upload"
        )
    return sent


def _first_look(upload: Upload, *, takes_clips: bool) -> PictureRefused | None:
    """What its digest, the first bytes and the name already tell against an upload."""
    if blocked := blocked_bytes([upload.blob.pk]).get(upload.blob.pk):
        return PictureRefused("blocked_bytes", {"reason": blocked.reason})
    if upload.blob.size > MAX_BYTES:
        return PictureRefused("too_many_bytes", {"limit": MAX_BYTES})
    with blob_store().open(upload.blob.key) as stream:
        start = stream.read(1024)
    if takes_clips and (clip := clip_format(start)):
        return name_of_clip(upload.name, clip)
    try:
        return name_of(upload.name, sniff(start))
    except PictureRefused as refusal:
        disguise = name_of(upload.name, None) if refusal.code == "not_a_picture" else None
        return PictureRefused(disguise.code, {**refusal.params, **disguise.params}) if disguise else refusal


def roll_up_rating(version: ModelVersion) -> None:
    """A version's rating is the union of its pictures'; a refused one counts for nothing. Hold the model."""
    shown = version.previews.filter(error={}).exclude(picture__state=Picture.State.REFUSED)
    rating = reduce(or_, shown.values_list("rating", flat=True), 0)
    if rating != version.rating:
        ModelVersion.objects.filter(pk=version.pk).update(rating=rating)
        version.rating = rating
        refresh_listing(version.model)
