"""Smaller copies of pictures: made by workers, in a jailed child, and stored beside the blobs.

The picture's row is the truth and the task a hint. A copy's key says which picture, format and width it is, so that an
attempt that was lost and the one that follows write the same bytes to the same place.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from community.errors import StoreUnavailable
from registry.imaging.errors import PictureRefused
from registry.imaging.limits import MAX_BYTES
from registry.imaging.reading import PictureFacts, RenditionFormat, examine_picture
from registry.models import Inspection, Picture, Rendition
from registry.services.pictures import MAKE_RENDITIONS, queue_renditions, roll_up_ratings
from registry.storage import blob_store

_TRIES: Final = 3
_ROWS: Final = 200
_AVIF_SECONDS: Final = 15
_IDLE_WAIT: Final = timedelta(seconds=20)
_BUSY_WAIT: Final = timedelta(minutes=10)
_PREFIX: Final = "renditions/"
_WAITING: Final = {"state": Picture.State.WAITING, "attempt": None}

logger = logging.getLogger(__name__)


@shared_task(name=MAKE_RENDITIONS, acks_late=True)
def make_renditions(picture_id: int) -> None:
    """Decode a picture and store its WebP copies. Safe to run twice, or after it is gone."""
    picture = Picture.objects.claim(picture_id)
    if picture is None:
        return
    try:
        with _examined(picture, "webp") as facts:
            rows = _stored(picture, facts)
        _finish(picture, facts, rows)
    except PictureRefused as refusal:
        _refuse(picture, refusal)
    except StoreUnavailable:
        logger.warning("the copies of %s wait for the store", picture)
        picture.mine().update(**_WAITING, tries=F("tries") - 1, queued_at=timezone.now())
    except Exception:
        logger.exception("the copies of %s were not made", picture)
        _give_back(picture)


@shared_task(name="registry.make_avif")
def make_avif() -> None:
    """Make AVIF copies, picture by picture, as long as nothing more urgent waits; beat comes back for the rest."""
    until = time.monotonic() + _AVIF_SECONDS
    while time.monotonic() < until and not _something_waits():
        picture = Picture.objects.claim_avif()
        if picture is None:
            return
        _make_avif_of(picture)


@shared_task(name="registry.sweep_pictures")
def sweep_pictures() -> None:
    """Give lost pictures to another worker, remind workers of those that none took, remove those that nothing shows."""
    for picture in Picture.objects.lost()[:_ROWS]:
        logger.warning("the worker that decoded %s is gone", picture)
        _give_back(picture)
    running = Picture.objects.filter(state=Picture.State.RUNNING).exists()
    limit = timezone.now() - (_BUSY_WAIT if running else _IDLE_WAIT)
    waiting = Picture.objects.filter(state=Picture.State.WAITING, queued_at__lt=limit).order_by("queued_at")
    for pk in waiting.values_list("pk", flat=True)[:_ROWS]:
        Picture.objects.filter(pk=pk).update(queued_at=timezone.now())
        queue_renditions(pk)
    for pk in Picture.objects.unshown().values_list("pk", flat=True)[:_ROWS]:
        _forget(pk)


def _something_waits() -> bool:
    return (
        Inspection.objects.filter(state=Inspection.State.WAITING).exists()
        or Picture.objects.filter(state=Picture.State.WAITING).exists()
    )


def _make_avif_of(picture: Picture) -> None:
    try:
        with _examined(picture, "avif") as facts:
            rows = _stored(picture, facts)
        with transaction.atomic():
            if picture.mine().update(avif_state=Picture.AvifState.DONE, attempt=None):
                _replace_rows(picture, Rendition.Format.AVIF, rows)
    except PictureRefused:
        # Its WebP copies were made: what was refused is the cost of this codec, and readers do without.
        picture.mine().update(avif_state=Picture.AvifState.FAILED, attempt=None)
    except StoreUnavailable:
        picture.mine().update(avif_state=Picture.AvifState.WAITING, attempt=None, tries=F("tries") - 1)
        raise  # the next run goes on: this one would only ask a store that is away
    except Exception:
        logger.exception("the AVIF copies of %s were not made", picture)
        _give_back(picture)


@contextmanager
def _examined(picture: Picture, format: RenditionFormat) -> Iterator[PictureFacts]:
    """The facts of a picture, its copies lying in a folder until the block ends. Raises PictureRefused."""
    settings.CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="picture-", dir=settings.CACHE_FOLDER) as name,
        original_file(picture, Path(name)) as file,
    ):
        folder = Path(name, "copies")
        folder.mkdir()
        yield examine_picture(file, folder, format=format)


@contextmanager
def original_file(picture: Picture, folder: Path) -> Iterator[IO[bytes]]:
    """The original as a file of this machine: the store's own, or a copy."""
    if picture.blob.size > MAX_BYTES:
        raise PictureRefused("too_many_bytes", {"limit": MAX_BYTES})
    store = blob_store()
    path = store.local_path(picture.blob.key)
    if path is None:
        path = folder / "original"
        with store.open(picture.blob.key) as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
    with path.open("rb") as file:
        yield file


def _stored(picture: Picture, facts: PictureFacts) -> list[Rendition]:
    """The rows of the copies, whose bytes are in the store by now."""
    rows = []
    for copy in facts.renditions:
        key = f"{folder_of(picture.pk)}{copy.width}.{copy.format}"
        blob_store().put(key, copy.path.read_bytes(), f"image/{copy.format}")
        rows.append(
            Rendition(
                picture=picture, format=copy.format, width=copy.width, height=copy.height, size=copy.size, key=key
            )
        )
        picture.beat()
    return rows


def folder_of(picture_id: int) -> str:
    """Two levels, so that no folder grows beyond some thousand entries."""
    return f"{_PREFIX}{picture_id % 1000:03d}/{picture_id}/"


@transaction.atomic
def _finish(picture: Picture, facts: PictureFacts, rows: list[Rendition]) -> None:
    kept = picture.mine().update(
        state=Picture.State.READY,
        avif_state=Picture.AvifState.WAITING,
        attempt=None,
        tries=0,
        error={},
        mime=facts.mime,
        width=facts.width,
        height=facts.height,
        animated=facts.is_animated,
        seconds=facts.seconds or None,
        frame_rate=facts.rate or None,
        color=facts.color,
        phash=facts.dhash,
    )
    if kept:
        _replace_rows(picture, Rendition.Format.WEBP, rows)
        _tell(picture.pk)


def _replace_rows(picture: Picture, format: Rendition.Format, rows: list[Rendition]) -> None:
    picture.renditions.filter(format=format).delete()
    Rendition.objects.bulk_create(rows)


def _refuse(picture: Picture, refusal: PictureRefused) -> None:
    # Not one transaction: whoever adds a preview holds the model first and this row after it.
    error = {"code": refusal.code, "params": refusal.params}
    if picture.mine().update(state=Picture.State.REFUSED, attempt=None, error=error):
        roll_up_ratings(picture.previews.values_list("version_id", flat=True))
        _tell(picture.pk)


def _tell(picture_id: int) -> None:
    """Let the rooms that show pictures know that this one is ready, or refused."""
    for path in settings.PICTURE_LISTENERS:
        import_string(path)(picture_id)


def _give_back(picture: Picture) -> None:
    """End an attempt that broke off or was lost: another one follows, but not for ever."""
    again = picture.tries < _TRIES
    if picture.state == Picture.State.READY:
        states = Picture.AvifState
        picture.mine().update(avif_state=states.WAITING if again else states.FAILED, attempt=None)
    elif again:
        picture.mine().update(**_WAITING, queued_at=timezone.now())
    else:
        _refuse(picture, PictureRefused("reading_failed"))


def _forget(picture_id: int) -> None:
    """Remove a picture that nothing shows, with its copies; the sweep of blobs takes the original."""
    with transaction.atomic():
        # Whoever is about to show it holds this row; what they did is looked up once it is ours.
        picture = Picture.objects.select_for_update().filter(pk=picture_id).first()
        if picture is None or not Picture.objects.unshown().filter(pk=picture_id).exists():
            return
        picture.delete()
    store = blob_store()
    for found in store.listing(folder_of(picture_id)):
        store.discard(found)
