"""From a complete upload to a judged blob.

The inspection's row is the truth and the task a hint. A worker claims the row, beats its heart while it reads, and ends
in one transaction under its claim. It may be killed anywhere: until that transaction the bytes are found under the
upload's key, and after it under the blob's; what a killed worker leaves twice, the sweep removes.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Final, Protocol, Self

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from community.errors import StoreUnavailable
from registry.engines.opinion import Opinion
from registry.models import Blob, BlobHash, Finding, Inspection, ModelFile, Upload
from registry.models.files import HashKind, Verdict
from registry.pickles.rules import current_rules
from registry.services.conversions import offer_conversion
from registry.services.examining import Examination, Judgement, examine
from registry.services.handover import INSPECT_UPLOAD, end_upload
from registry.services.opinions import ask_engines, keep_opinions, settled_verdict
from registry.services.pictures import attach_upload
from registry.services.waiving import void_waivers
from registry.storage import blob_store

_PROGRESS_SECONDS: Final = 0.5

logger = logging.getLogger(__name__)


class ClaimLost(Exception):
    """Somebody else has the work now, or nobody wants it any more. Nothing of this attempt may be kept."""


class BytesRefused(Exception):
    """The bytes are not those that were declared, or not there. No further attempt can change that."""

    def __init__(self, code: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.error = {"code": code, "detail": detail, **({"field": field} if field else {})}


@shared_task(name=INSPECT_UPLOAD, acks_late=True)
def inspect_upload(upload_id: str) -> None:
    """Inspect a complete upload. Safe to run twice, or after it is gone."""
    inspection = Inspection.objects.claim(upload_id)
    if inspection is None:
        return
    try:
        with Heart(inspection) as heart, override(inspection.upload.owner.language or settings.LANGUAGE_CODE):
            _inspect(inspection, heart)
    except ClaimLost:
        logger.info("inspection of %s was taken over or called off", upload_id)
    except BytesRefused as refused:
        fail_inspection(inspection, refused.error)
    except StoreUnavailable:
        logger.warning("inspection of %s waits for the store", upload_id)
        put_off(inspection)
    except Exception:
        logger.exception("inspection of %s broke off", upload_id)
        give_back(inspection)


def give_back(inspection: Inspection) -> None:
    """End an attempt that broke off or was lost: another one follows, or the upload fails after the last."""
    if inspection.tries >= settings.INSPECTION_TRIES:
        sentence = _("The inspection broke off %(count)d times. Send the file again, or tell the people of the site.")
        fail_inspection(inspection, {"code": "inspection_failed", "detail": sentence % {"count": inspection.tries}})
        return
    inspection.mine().update(state=Inspection.State.WAITING, attempt=None, queued_at=timezone.now(), step="")


def put_off(inspection: Inspection) -> None:
    """End an attempt that could not reach the bytes. It is no try: they are judged when the store is back."""
    waiting = Inspection.State.WAITING
    inspection.mine().update(state=waiting, attempt=None, tries=F("tries") - 1, queued_at=timezone.now(), step="")


@transaction.atomic
def fail_inspection(inspection: Inspection, error: dict[str, str]) -> None:
    """The upload comes to nothing, and says why; its files are unreadable from here on. Its bytes go."""
    upload = Upload.objects.select_for_update().get(pk=inspection.upload_id)
    if not inspection.beat():
        return
    end_upload(upload, Upload.State.FAILED, error)
    transaction.on_commit(partial(blob_store().delete, upload.key))


def lock_blob(sha256: str) -> None:
    """Be the only one, until the transaction ends, to give bytes of this digest a place or to take it away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"blob:{sha256}"])


class Claim(Protocol):
    """A row that this attempt works on."""

    def beat(self) -> bool:
        """Say that the work goes on. False once the claim is lost."""


class Pulse:
    """Keeps a claim alive while the work waits for bytes or for a child."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(settings.INSPECTION_LEASE_SECONDS / 5):
            try:
                if not self._claim.beat():
                    self._lost.set()
                    return
            except DatabaseError:
                logger.warning("the database did not answer; the work goes on", exc_info=True)
            finally:
                connection.close()  # this thread's own


class Heart(Pulse):
    """The same for an inspection, and writes down where it stands, twice a second at most."""

    def __init__(self, inspection: Inspection) -> None:
        super().__init__(inspection)
        self._inspection = inspection
        self._told = ("", 0.0)

    def progress(self, step: str, bytes_read: int) -> None:
        """Raises ClaimLost when the work should stop."""
        if self._lost.is_set():
            raise ClaimLost
        now = time.monotonic()
        if step == self._told[0] and now - self._told[1] < _PROGRESS_SECONDS:
            return
        self._told = (step, now)
        if not self._inspection.beat(step=step, bytes_read=bytes_read):
            raise ClaimLost


def _inspect(inspection: Inspection, heart: Heart) -> None:
    upload, store = inspection.upload, blob_store()
    if not Upload.objects.filter(pk=upload.pk, state__in=[Upload.State.COMPLETE, Upload.State.INSPECTING]).update(
        state=Upload.State.INSPECTING
    ):
        raise ClaimLost
    if store.size(upload.key) != upload.size:
        raise BytesRefused("bytes_missing", _("The bytes are no longer there. Send the file again."))
    with store.open(upload.key) as stream:
        found = examine(stream, upload.size, name=upload.name, is_judged=is_judged, progress=heart.progress)
        heart.progress("asking", upload.size)
        opinions = ask_engines(stream, upload.size, found.judgement.format) if found.judgement else []
    declared, actual = upload.declared_sha256, found.hashes.sha256
    if declared and declared != actual:
        sentence = _("The bytes have the SHA-256 %(actual)s, not the declared %(declared)s. Send the file again.")
        raise BytesRefused("sha256_differs", sentence % {"actual": actual, "declared": declared}, "sha256")
    heart.progress("finishing", upload.size)
    _finish(inspection, found, opinions)


def is_judged(sha256: str) -> bool:
    """Whether these bytes were judged by the rules of today."""
    known = Blob.objects.filter(pk=sha256, rules_version=current_rules().version)
    return known.exclude(verdict=Verdict.PENDING).exists()


@transaction.atomic
def _finish(inspection: Inspection, found: Examination, opinions: list[Opinion]) -> None:
    lock_blob(found.hashes.sha256)
    upload = Upload.objects.select_for_update().get(pk=inspection.upload_id)
    if not inspection.beat(step="", bytes_read=upload.size):
        raise ClaimLost
    blob = keep_blob(upload.key, upload.size, found, opinions)
    inspection.mine().update(state=Inspection.State.DONE, finished_at=timezone.now())
    upload.state, upload.blob = Upload.State.DONE, blob
    upload.save(update_fields=["state", "blob"])
    ModelFile.objects.filter(upload=upload, blob=None).update(blob=blob)
    attach_upload(upload)
    offer_conversion(blob)
    for path in settings.UPLOAD_LISTENERS:
        import_string(path)(upload)
    if blob.key != upload.key:
        transaction.on_commit(partial(blob_store().delete, upload.key))


def keep_blob(key: str, size: int, found: Examination, opinions: list[Opinion]) -> Blob:
    """The blob of the bytes under `key`, in their place and with their judgement of today. Hold `lock_blob`."""
    store, sha256 = blob_store(), found.hashes.sha256
    blob = Blob.objects.filter(pk=sha256).first() or Blob(sha256=sha256, size=size)
    if not blob.key or store.size(blob.key) is None:
        blob.key = store.promote(key, sha256)
    if found.judgement is not None:
        _take_judgement(blob, found.judgement)
        blob.verdict = settled_verdict(blob.verdict, opinions)
        blob.fingerprint = found.fingerprint
    blob.save()
    _keep_hashes(blob, found)
    if found.judgement is not None:
        blob.findings.all().delete()
        Finding.objects.bulk_create([Finding(blob=blob, **finding) for finding in found.judgement.findings])
        keep_opinions(blob, opinions)
        void_waivers(blob)
    return blob


def _take_judgement(blob: Blob, judgement: Judgement) -> None:
    blob.verdict = judgement.verdict
    blob.format = judgement.format
    blob.rules_version = judgement.rules_version
    blob.evidence, blob.evidence_cut = judgement.evidence, judgement.evidence_cut
    blob.facts = judgement.facts
    blob.inspected_at = timezone.now()


def _keep_hashes(blob: Blob, found: Examination) -> None:
    hashes = found.hashes
    values = {
        HashKind.SHA256: hashes.sha256,
        HashKind.BLAKE3: hashes.blake3,
        HashKind.CRC32: hashes.crc32,
        HashKind.AUTOV1: hashes.autov1,
        HashKind.AUTOV2: hashes.autov2,
        HashKind.AUTOV3: hashes.autov3,
    }
    rows = [BlobHash(blob=blob, kind=kind, value=value.lower()) for kind, value in values.items() if value]
    BlobHash.objects.bulk_create(rows, ignore_conflicts=True)
