"""Bytes that the site itself makes, such as renders: judged like everybody's, and stored at once."""

from __future__ import annotations

import hashlib
import io
from typing import Final

from django.db import transaction
from django.utils import timezone

from registry.models import Blob, BlobHash, Finding, Picture
from registry.models.files import HashKind, Verdict
from registry.services.examining import Examination, examine
from registry.services.inspecting import is_judged, lock_blob
from registry.services.pictures import queue_renditions
from registry.storage import blob_key, blob_store

_PNG: Final = "image/png"


@transaction.atomic(savepoint=False)
def keep_png(data: bytes, name: str) -> Picture:
    """The picture of these bytes, stored, with its smaller copies queued. The same bytes are one picture.

    Raises ValueError for bytes that the scanner does not pass: the site made them, so that is a fault of ours. Raises
    StoreFull and StoreUnavailable.
    """
    lock_blob(hashlib.sha256(data).hexdigest())  # from here on the sweep does not forget what is known of them
    found = examine(io.BytesIO(data), len(data), name=name, is_judged=is_judged, progress=lambda _step, _read: None)
    blob = _kept_blob(data, found)
    if blob.verdict != Verdict.SAFE:
        raise ValueError(f"a picture of our own is {blob.verdict}")
    picture, made = Picture.objects.select_for_update(of=("self",)).get_or_create(blob=blob, defaults={"mime": _PNG})
    if made:
        queue_renditions(picture.pk)
    return picture


def _kept_blob(data: bytes, found: Examination) -> Blob:
    store, sha256 = blob_store(), found.hashes.sha256
    known = Blob.objects.filter(pk=sha256).first()
    blob = known or Blob(sha256=sha256, size=len(data), key=blob_key(sha256))
    if store.size(blob.key) is None:
        store.put(blob.key, data, _PNG)
    judgement = found.judgement
    if judgement is not None:
        blob.verdict, blob.format, blob.rules_version = judgement.verdict, judgement.format, judgement.rules_version
        blob.evidence, blob.evidence_cut = judgement.evidence, judgement.evidence_cut
        blob.facts, blob.inspected_at = judgement.facts, timezone.now()
    blob.save(force_insert=known is None)
    _keep_digests(blob, found)
    if judgement is not None:
        if known is not None:
            known.findings.all().delete()
        Finding.objects.bulk_create([Finding(blob=blob, **finding) for finding in judgement.findings])
    return blob


def _keep_digests(blob: Blob, found: Examination) -> None:
    hashes = found.hashes
    values = {
        HashKind.SHA256: hashes.sha256,
        HashKind.BLAKE3: hashes.blake3,
        HashKind.CRC32: hashes.crc32,
        HashKind.AUTOV1: hashes.autov1,
        HashKind.AUTOV2: hashes.autov2,
    }
    rows = [BlobHash(blob=blob, kind=kind, value=value.lower()) for kind, value in values.items() if value]
    BlobHash.objects.bulk_create(rows, ignore_conflicts=True)
