"""Uploads, previews and pictures whose bytes lie in the store, as the services would have left them."""

from __future__ import annotations

import hashlib

from celery import current_app

from community.models import User
from community.ratings import Rating
from registry.models import Blob, ModelVersion, Picture, Upload, VersionPreview
from registry.services.pictures import MAKE_RENDITIONS, add_preview
from registry.services.renditions import make_renditions
from registry.storage import blob_key, blob_store
from tests.factories import BlobFactory, UploadFactory


def stored_blob(data: bytes) -> Blob:
    """Bytes in the store and their row."""
    sha256 = hashlib.sha256(data).hexdigest()
    known = Blob.objects.filter(pk=sha256).first()
    if known:
        return known
    blob_store().put(blob_key(sha256), data, "application/octet-stream")
    return BlobFactory(content=data, key=blob_key(sha256))


def sent(owner: User, data: bytes, name: str = "picture.png", **fields: object) -> Upload:
    """An upload of these bytes that was inspected; `state` and `blob=None` say otherwise."""
    fields.setdefault("blob", stored_blob(data) if data else None)
    return UploadFactory(owner=owner, name=name, size=max(1, len(data)), **fields)


def shown(version: ModelVersion, data: bytes, rating: Rating = Rating.PG, name: str = "picture.png") -> VersionPreview:
    """A decoded picture on a version."""
    owner = version.model.owner
    preview = add_preview(version, sent(owner, data, name), alt="A picture", rating=rating, by=owner)
    make_renditions(preview.picture_id)
    return VersionPreview.objects.for_display().get(pk=preview.pk)


def told(monkeypatch) -> list[int]:
    """The pictures that workers are told of from here on, instead of any worker."""
    heard: list[int] = []

    def send_task(name: str, arguments: list[int], **options: object) -> None:
        assert name == MAKE_RENDITIONS
        heard.append(arguments[0])

    monkeypatch.setattr(current_app, "send_task", send_task)
    return heard


def picture_of(preview: VersionPreview) -> Picture:
    """The picture as the database has it now."""
    return Picture.objects.get(previews=preview)
