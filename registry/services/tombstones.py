"""What is left of files that were once public: their hashes, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable

from registry.models import Blob, ModelVersion, Tombstone, TombstoneHash


def raise_tombstones(versions: Iterable[ModelVersion], reason: str) -> None:
    """Write a tombstone for each file of these versions that was ever public, and for what was made of it.

    Call it before they are deleted.
    """
    for version in versions:
        if version.published_at is None:
            continue
        files = version.files.select_related("blob").prefetch_related(
            "blob__hashes", "blob__conversions__result__hashes"
        )
        for file in files:
            if file.blob is None:
                continue
            _raise_tombstone(file.name, file.blob, version, reason)
            for conversion in file.blob.conversions.all():
                if conversion.result is not None:
                    _raise_tombstone(conversion.name_for(file.name), conversion.result, version, reason)


def _raise_tombstone(name: str, blob: Blob, version: ModelVersion, reason: str) -> None:
    model = version.model
    taken_down = model.taken_down_at is not None
    stone = Tombstone.objects.create(
        cause=Tombstone.Cause.TAKEN_DOWN if taken_down else Tombstone.Cause.DELETED,
        owner_name=model.owner.username,
        model_title=model.title,
        model_name=model.name,
        version_name=version.name,
        file_name=name,
        size=blob.size,
        reason=model.taken_down_reason if taken_down else reason or version.withdrawn_reason,
        published_at=version.published_at,
    )
    hashes = [TombstoneHash(tombstone=stone, kind=known.kind, value=known.value) for known in blob.hashes.all()]
    TombstoneHash.objects.bulk_create(hashes)
