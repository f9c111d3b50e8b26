"""Originals without metadata, made when somebody chose to serve one: without what is private, or without anything."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from celery import shared_task
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from gallery.models import Image, PictureReading
from gallery.services.clips import stripper_of
from gallery.services.handover import STRIP_ORIGINAL, queue_due_posts, queue_stripping
from registry.imaging.errors import PictureRefused
from registry.imaging.jail import Bounds, run_jailed
from registry.imaging.limits import MAX_BYTES
from registry.services.renditions import folder_of, original_file
from registry.storage import blob_store

_BOUNDS: Final = Bounds(cpu_seconds=60, wall_seconds=120, file_bytes=MAX_BYTES + (1 << 20))
# A message that was lost is sent again by whoever asks for the bytes, but not by each of a thousand who do.
_AGAIN_SECONDS: Final = 60

logger = logging.getLogger(__name__)


def need_stripped(images: QuerySet[Image]) -> None:
    """Have the stripped originals made that these images serve and that are not there yet."""
    for image in images.select_related("post", "picture__reading").defer("picture__reading__raw"):
        kind, reading = image.stripped_kind, getattr(image.picture, "reading", None)
        if kind and reading is not None and reading.is_over and kind not in reading.stripped:
            queue_stripping(reading.pk, kind)


def remind_of_stripping(picture_id: int, kind: str) -> None:
    """Somebody asks for bytes that are not made yet: see to it that they will be."""
    if cache.add(f"gallery.strip:{picture_id}:{kind}", 1, _AGAIN_SECONDS):
        queue_stripping(picture_id, kind)


@shared_task(name=STRIP_ORIGINAL, acks_late=True)
def strip_original(picture_id: int, kind: str) -> None:
    """Make a stripped original. Safe to run twice: the same bytes go to the same place."""
    readings = PictureReading.objects.select_related("picture__blob").filter(pk=picture_id)
    reading = readings.first()
    if reading is None or not reading.is_over or kind in reading.stripped or kind not in PictureReading.Stripped.values:
        return
    try:
        made = _strip(reading, kind)
    except PictureRefused as refusal:
        made = {"error": refusal.code}
    _keep(picture_id, kind, made)


def _strip(reading: PictureReading, kind: str) -> dict[str, object]:
    with TemporaryDirectory(prefix="strip-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        with original_file(reading.picture, folder) as source:
            run_jailed(stripper_of(source), source, work, kind, bounds=_BOUNDS)
        told, made = json.loads((work / "told.json").read_bytes()), work / "stripped"
        if told or made.is_symlink() or not made.is_file():
            return {"error": str(told.get("error", "cannot_strip"))[:40]}
        key = f"{folder_of(reading.pk)}{kind}.{reading.picture.extension or 'bin'}"
        blob_store().put(key, made.read_bytes(), reading.picture.mime or "application/octet-stream")
        return {"key": key, "size": made.stat().st_size}


@transaction.atomic
def _keep(picture_id: int, kind: str, made: dict[str, object]) -> None:
    reading = PictureReading.objects.select_for_update().filter(pk=picture_id).first()
    if reading is None:
        return
    if "error" in made:
        logger.info("%s could not be stripped (%s): %s", reading, kind, made["error"])
    reading.stripped = {**reading.stripped, kind: made}
    reading.save(update_fields=["stripped"])
    queue_due_posts()
