"""What is left of files that were once public: their hashes, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable

from registry.models import ModelFile, ModelVersion, Tombstone, TombstoneHash


def raise_tombstones(versions: Iterable[ModelVersion], reason: str) -> None:
    """Write a tombstone for each file of these versions that was ever public. Call it before they are deleted."""
    for version in versions:
        if version.published_at is None:
            continue
        for file in version.files.select_related("blob").prefetch_related("blob__hashes"):
            _raise_tombstone(file, version, reason)


def _raise_tombstone(file: ModelFile, version: ModelVersion, reason: str) -> None:
    if file.blob is None:
        return
    model = version.model
    taken_down = model.taken_down_at is not None
    stone = Tombstone.objects.create(
        cause=Tombstone.Cause.TAKEN_DOWN if taken_down else Tombstone.Cause.DELETED,
        owner_name=model.owner.username,
        model_title=model.title,
        model_name=model.name,
        version_name=version.name,
        file_name=file.name,
        size=file.size,
        reason=model.taken_down_reason if taken_down else reason or version.withdrawn_reason,
        published_at=version.published_at,
    )
    hashes = [TombstoneHash(tombstone=stone, kind=known.kind, value=known.value) for known in file.blob.hashes.all()]
    TombstoneHash.objects.bulk_create(hashes)
