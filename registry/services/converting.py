"""Safe pickles become `.safetensors`: in a jailed child, compared, inspected like any upload, and stored as a blob.

The conversion's row is the truth and the task a hint. A worker claims the row, beats its heart while the child works,
and ends in one transaction under its claim. What a killed worker leaves in the store, the sweep of bytes removes.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from community.errors import StoreUnavailable
from registry.converting.errors import ConversionFailed, ConversionRefused
from registry.converting.running import convert
from registry.engines.opinion import Opinion
from registry.models import Blob, Conversion
from registry.models.files import Verdict
from registry.services.conversions import CONVERT_BLOB, may_become, queue_conversion
from registry.services.examining import Examination, examine, storable
from registry.services.inspecting import ClaimLost, Pulse, is_judged, keep_blob, lock_blob
from registry.services.opinions import ask_engines
from registry.storage import UPLOADS, blob_store

_ROWS: Final = 200
_IDLE_WAIT: Final = timedelta(seconds=20)
_BUSY_WAIT: Final = timedelta(minutes=10)
# The disk must have this many times the source's size free, beside a copy of the source where one is made.
_ROOM: Final = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Result:
    """Bytes in the store, and all that was learned of them."""

    key: str
    size: int
    found: Examination
    opinions: list[Opinion]
    report: dict[str, Any]


@shared_task(name=CONVERT_BLOB, acks_late=True)
def convert_blob(conversion_id: int) -> None:
    """Convert a blob. Safe to run twice, or after it is gone."""
    conversion = Conversion.objects.claim(conversion_id)
    if conversion is None:
        return
    try:
        with Pulse(conversion):
            result = _converted(conversion)
        _finish(conversion, result)
    except ClaimLost:
        logger.info("the %s was taken over or called off", conversion)
    except ConversionRefused as refusal:
        _fail(conversion, refusal.code, dict(refusal.params))
    except StoreUnavailable:
        logger.warning("the %s waits for the store", conversion)
        conversion.mine().update(
            state=Conversion.State.WAITING, attempt=None, tries=F("tries") - 1, queued_at=timezone.now()
        )
    except Exception:
        logger.exception("the %s broke off", conversion)
        _give_back(conversion)


@shared_task(name="registry.sweep_conversions")
def sweep_conversions() -> None:
    """Give lost conversions to another worker, and remind workers of those that none took."""
    for conversion in Conversion.objects.lost()[:_ROWS]:
        logger.warning("the worker of the %s is gone", conversion)
        _give_back(conversion)
    running = Conversion.objects.filter(state=Conversion.State.RUNNING).exists()
    limit = timezone.now() - (_BUSY_WAIT if running else _IDLE_WAIT)
    waiting = Conversion.objects.filter(state=Conversion.State.WAITING, queued_at__lt=limit).order_by("queued_at")
    for pk in waiting.values_list("pk", flat=True)[:_ROWS]:
        Conversion.objects.filter(pk=pk).update(queued_at=timezone.now())
        queue_conversion(pk)


def _converted(conversion: Conversion) -> _Result:
    """Convert, inspect and store. Raises ConversionRefused for what cannot be converted."""
    source = conversion.source
    if not may_become(source, conversion.kind):
        raise ConversionRefused("not_safe")
    settings.CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="conversion-", dir=settings.CACHE_FOLDER) as name,
        _bytes_of(source, Path(name)) as file,
    ):
        folder = Path(name, "result")
        folder.mkdir()
        made = convert(file, folder, kind=conversion.kind, source_sha256=source.pk)
        size = made.path.stat().st_size
        found, opinions = _inspected(made.path, size)
        key = f"{UPLOADS}{conversion.attempt}"
        blob_store().put_file(key, made.path)
        return _Result(key, size, found, opinions, storable(made.report))


@contextmanager
def _bytes_of(blob: Blob, folder: Path) -> Iterator[IO[bytes]]:
    """The source as a file of this machine: the store's own, or a copy."""
    store = blob_store()
    path = store.local_path(blob.key)
    wanted = blob.size * (_ROOM if path else _ROOM + 1)
    if shutil.disk_usage(folder).free < wanted:
        raise ConversionFailed(f"there is no room for {wanted} bytes in {settings.CACHE_FOLDER}")
    if path is None:
        path = folder / "source"
        with store.open(blob.key) as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != blob.size:
            raise ConversionFailed("the source has another size than its row says")
        yield file


def _inspected(path: Path, size: int) -> tuple[Examination, list[Opinion]]:
    """The result as the inspection of any upload sees it. Raises ConversionFailed unless it is what it should be."""
    with path.open("rb") as stream:
        found = examine(stream, size, name="", is_judged=is_judged, progress=lambda _step, _done: None)
        judgement = found.judgement
        if judgement is None:
            return found, []
        if (judgement.format, judgement.verdict) != ("safetensors", str(Verdict.SAFE)):
            raise ConversionFailed(f"the result was judged to be {judgement.format}, {judgement.verdict}")
        return found, ask_engines(stream, size, judgement.format)


@transaction.atomic
def _finish(conversion: Conversion, result: _Result) -> None:
    lock_blob(result.found.hashes.sha256)
    if not conversion.beat():
        raise ClaimLost
    blob = keep_blob(result.key, result.size, result.found, result.opinions)
    conversion.mine().update(
        state=Conversion.State.DONE,
        attempt=None,
        result=blob,
        report=result.report,
        error={},
        finished_at=timezone.now(),
    )
    if blob.key != result.key:
        transaction.on_commit(partial(blob_store().delete, result.key))


def _fail(conversion: Conversion, code: str, params: dict[str, str | int] | None = None) -> None:
    error = {"code": code, "params": storable(params or {})}
    conversion.mine().update(state=Conversion.State.FAILED, attempt=None, error=error, finished_at=timezone.now())


def _give_back(conversion: Conversion) -> None:
    """End an attempt that broke off or was lost: another one follows, but not for ever."""
    if conversion.tries >= settings.INSPECTION_TRIES:
        _fail(conversion, "conversion_failed")
        return
    conversion.mine().update(state=Conversion.State.WAITING, attempt=None, queued_at=timezone.now())
