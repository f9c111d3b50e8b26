"""A hash never dies: what bears it here, and what once did.

A draft's hash says nothing to strangers, nor does it say that one exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from community.models import Viewer
from registry.models import BlobHash, Conversion, ModelFile, Tombstone
from registry.models.files import HashKind

_HASH: Final = re.compile(r"(?:0x)?([0-9a-f]{8,64})")
_MOST: Final = 100


@dataclass(frozen=True)
class Gone:
    """What became of a file that was public and is no longer. `cause`: deleted, taken_down, withdrawn."""

    cause: str
    owner: str
    model: str
    title: str
    version: str
    file: str
    size: int
    reason: str
    published_at: datetime | None
    gone_at: datetime | None
    hashes: dict[str, str]


@dataclass(frozen=True)
class HashAnswer:
    """Files that the viewer may see, and what the public once had."""

    files: tuple[ModelFile, ...] = ()
    tombstones: tuple[Gone, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.files and not self.tombstones


def find_by_hash(value: str, viewer: Viewer) -> HashAnswer:
    """Everything known by this digest: SHA-256, BLAKE3, CRC32 or AutoV1 to 3, in any case, with or without 0x.

    Short digests may name several files; the answer ends after a hundred. Empty for what is no digest.
    """
    match = _HASH.fullmatch(value.strip().lower())
    if match is None:
        return HashAnswer()
    files = _bearing(match[1])
    visible = list(files.visible_to(viewer)[:_MOST])
    seen = {file.pk for file in visible}
    hidden = [_gone_from_sight(file) for file in _once_public(files)[: _MOST + len(seen)] if file.pk not in seen]
    stones = Tombstone.objects.filter(hashes__value=match[1]).distinct().prefetch_related("hashes")
    buried = [_buried(stone) for stone in stones.order_by("-created_at", "-pk")[:_MOST]]
    return HashAnswer(tuple(visible), tuple([*hidden, *buried][:_MOST]))


def _bearing(value: str) -> QuerySet[ModelFile]:
    """Files of these bytes, and files once public of which these bytes were made."""
    bearing = BlobHash.objects.filter(value=value).values("blob")
    sources = Conversion.objects.filter(result__in=bearing).values("source")
    return (
        ModelFile.objects.filter(Q(blob__in=bearing) | Q(blob__in=sources, version__published_at__isnull=False))
        .select_related("blob", "upload__inspection", "version__model__owner")
        .prefetch_related("blob__hashes", "waivers")
        .order_by("-version__published_at", "-pk")
    )


def _once_public(files: QuerySet[ModelFile]) -> QuerySet[ModelFile]:
    """Those of withdrawn versions and of models that were taken down."""
    return files.filter(version__published_at__isnull=False).exclude(
        version__state="published", version__model__taken_down_at__isnull=True
    )


def _gone_from_sight(file: ModelFile) -> Gone:
    version, model = file.version, file.version.model
    taken_down = model.taken_down_at is not None
    return Gone(
        "taken_down" if taken_down else "withdrawn",
        model.owner.username,
        model.name,
        model.title,
        version.name,
        file.name,
        file.size,
        model.taken_down_reason if taken_down else version.withdrawn_reason,
        version.published_at,
        model.taken_down_at if taken_down else version.withdrawn_at,
        hashes_of(file.blob.hashes.all()),
    )


def _buried(stone: Tombstone) -> Gone:
    return Gone(
        stone.cause,
        stone.owner_name,
        stone.model_name,
        stone.model_title,
        stone.version_name,
        stone.file_name,
        stone.size,
        stone.reason,
        stone.published_at,
        stone.created_at,
        hashes_of(stone.hashes.all()),
    )


def hashes_of(rows: Iterable) -> dict[str, str]:
    """Digests by kind, in the order of `HashKind`, in the upper case in which tools of the field write them."""
    values = {row.kind: row.value.upper() for row in rows}
    return {kind: values[kind] for kind in HashKind.values if kind in values}
