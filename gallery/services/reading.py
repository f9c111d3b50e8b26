"""Metadata of stored originals: read in a jailed child, once a picture, then told to the images that show it.

The reading's row is the truth and the task a hint.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from community.errors import StoreUnavailable
from gallery.imagemeta.generation import Generation, Resource
from gallery.models import Image, PictureReading
from gallery.services.clips import reader_of
from gallery.services.generation import GENERATION_COLUMNS, generation_shape, storable_texts, take_generation
from gallery.services.handover import READ_METADATA, queue_due_posts
from gallery.services.listing import refresh_images
from gallery.services.resources import link_detected
from gallery.services.stripping import need_stripped
from registry.imaging.errors import PictureRefused
from registry.imaging.jail import Bounds, run_jailed
from registry.services.renditions import original_file

_TRIES: Final = 3
_BOUNDS: Final = Bounds(cpu_seconds=60, wall_seconds=120)
_MAX_TOLD: Final = 8 << 20
_MAX_RAW: Final = 16 << 20
_MAX_FINDINGS: Final = 100

logger = logging.getLogger(__name__)


@shared_task(name=READ_METADATA, acks_late=True)
def read_metadata(picture_id: int) -> None:
    """Read what a picture's file says. Safe to run twice, or after it is gone."""
    reading = PictureReading.objects.claim(picture_id)
    if reading is None:
        return
    try:
        told, raw = _read(reading)
        _finish(reading, told, raw)
    except PictureRefused as refusal:
        _finish(reading, {"note": refusal.code}, b"")
    except StoreUnavailable:
        logger.warning("the metadata of %s waits for the store", reading)
        _mine(reading).update(state=PictureReading.State.WAITING, attempt=None, queued_at=timezone.now())
    except Exception:
        logger.exception("the metadata of %s was not read", reading)
        give_back_reading(reading)


def give_back_reading(reading: PictureReading) -> None:
    """End an attempt that broke off or was lost: another one follows, but not for ever."""
    if reading.tries < _TRIES:
        waiting = {"state": PictureReading.State.WAITING, "queued_at": timezone.now()}
        _mine(reading).update(**waiting, attempt=None)
    else:
        _finish(reading, {"note": "reading_failed"}, b"", state=PictureReading.State.FAILED)


def _mine(reading: PictureReading):
    return PictureReading.objects.filter(pk=reading.pk, attempt=reading.attempt)


def _read(reading: PictureReading) -> tuple[dict[str, Any], bytes]:
    with TemporaryDirectory(prefix="metadata-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        with original_file(reading.picture, folder) as source:
            run_jailed(reader_of(source), source, work, bounds=_BOUNDS)
        told, raw = work / "told.json", work / "raw"
        if told.is_symlink() or raw.is_symlink():
            raise PictureRefused("damaged")
        if told.stat().st_size > _MAX_TOLD or raw.stat().st_size > _MAX_RAW:
            return {"note": "metadata_too_large"}, b""
        # A child that was taken over could say anything: `_checked` believes only what the kernel can have said.
        return json.loads(told.read_bytes()), raw.read_bytes()


@transaction.atomic
def _finish(
    reading: PictureReading,
    told: dict[str, Any],
    raw: bytes,
    *,
    state: PictureReading.State = PictureReading.State.DONE,
) -> None:
    generation = _checked(told.get("generation"))
    changed = _mine(reading).update(
        state=state,
        attempt=None,
        generation=generation,
        raw=raw,
        private=_findings(told.get("private")),
        note=str(told.get("note", ""))[:40],
    )
    if changed:
        reading.state, reading.generation = state, generation
        tell_images(reading)


def _checked(told: Any) -> dict[str, Any] | None:
    """The child's answer in the stored shape; None where it says nothing that a reader could have said."""
    if not isinstance(told, dict):
        return None
    try:
        resources = tuple(
            Resource(str(kind), str(name), weight, str(hash)) for kind, name, weight, hash in told.pop("resources")
        )
        return generation_shape(Generation(**told, resources=resources))
    except (TypeError, ValueError, KeyError):
        logger.warning("the reader gave no generation data: %s", storable_texts(str(told)[:200]))
        return None


def _findings(told: Any) -> list[dict[str, str]]:
    if not isinstance(told, list):
        return []
    names = ("kind", "place", "text")
    rows = [each for each in told[:_MAX_FINDINGS] if isinstance(each, dict)]
    return [{name: storable_texts(str(each.get(name, "")))[:500] for name in names} for each in rows]


def tell_images(reading: PictureReading) -> None:
    """Give the images of a picture what was read of it, link their resources, and list those that are public."""
    images = (
        Image.objects.filter(picture=reading.picture_id, generation__isnull=True).select_related("owner").order_by("pk")
    )
    for image in images.select_for_update(of=("self",), no_key=True):
        image.generation = reading.generation
        take_generation(image)
        image.save(update_fields=GENERATION_COLUMNS)
        link_detected(image)
    need_stripped(Image.objects.filter(picture=reading.picture_id))
    refresh_images(Image.objects.filter(picture=reading.picture_id))
    queue_due_posts()
