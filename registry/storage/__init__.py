"""Where bytes lie: one port, two adapters.

`blob_store()` gives the site's store: a folder (`local.py`) or an S3 bucket (`s3.py`), as STORAGE_URL says. A file
comes in as `begin` → parts → `complete` and is then known by its key; `promote` gives it the place of a blob. A key is
a path of plain names with "/" between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from django.conf import settings

UPLOADS: Final = "uploads/"
BLOBS: Final = "blobs/"

_MIB: Final = 1 << 20
# S3 takes 10,000 parts at most, none but the last under 5 MiB. 9,000 leaves room for rounding.
LEAST_PART_BYTES: Final = 16 * _MIB
_MOST_PARTS: Final = 9_000

# How long a part's address holds; a client that needs longer asks again.
PART_SECONDS: Final = 3_600

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on its way in. `token` is the store's own name for the multipart upload; a disk needs none."""

    key: str
    token: str
    size: int
    part_size: int

    @property
    def part_count(self) -> int:
        """How many parts the size makes."""
        return -(-self.size // self.part_size)

    def offset_of(self, number: int) -> int:
        """Where part `number` (from 1) begins in the file."""
        return (number - 1) * self.part_size

    def length_of(self, number: int) -> int:
        """Bytes that part `number` (from 1) must have."""
        return min(self.part_size, self.size - self.offset_of(number))


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that has arrived whole. The etag stands without its quotes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class PartTarget:
    """Where to PUT one part. On a disk the address is a path of this site."""

    number: int
    url: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Something the store holds. With a `token` it is a multipart upload that was never completed."""

    key: str
    size: int
    modified_at: datetime
    token: str = ""


class BlobStore(Protocol):
    """What the site asks of a place for bytes. Unknown keys raise FileNotFoundError where bytes are asked for."""

    def begin(self, name: str, size: int, part_size: int) -> Incoming:
        """Make room for a file of `size` bytes under `uploads/{name}`. Raises StoreFull."""

    def part_target(self, incoming: Incoming, number: int) -> PartTarget:
        """A signed and dated address to PUT part `number` to."""

    def write_part(self, incoming: Incoming, number: int, read: Callable[[int], bytes]) -> str:
        """Put one part into its place from `read`, where the site itself has the bytes; answers with its etag.

        Raises StoreFull, InvalidInput or StoreUnavailable; the part does not count then.
        """

    def list_parts(self, incoming: Incoming) -> list[StoredPart]:
        """The parts that have arrived whole, by number. Empty for a file that is complete or gone.

        Some stores list a part once for each time that it was sent, the latest last.
        """

    def is_whole(self, incoming: Incoming) -> bool:
        """Whether the parts have become one file."""

    def complete(self, incoming: Incoming, parts: Sequence[StoredPart]) -> None:
        """Make one file of the parts; nobody can write to it afterwards. Completing twice changes nothing.

        Raises PartsChanged when what the store holds is not `parts`, and FileNotFoundError when it holds nothing.
        """

    def abort(self, incoming: Incoming) -> None:
        """Forget a file on its way in, and its parts. Harmless when there is none."""

    def open(self, key: str) -> BinaryIO:
        """The bytes, as a stream that can seek."""

    def promote(self, key: str, sha256: str) -> str:
        """Give a complete file the place of the blob `sha256`; answers with the blob's key.

        The bytes stay readable under `key` until that is deleted, where the two differ. Promoting twice is harmless.
        """

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a few bytes at once, whole or not at all. Raises StoreFull."""

    def put_file(self, key: str, path: Path) -> None:
        """Store a file of this machine, whole or not at all; the file itself may be removed afterwards.

        Raises StoreFull.
        """

    def delete(self, key: str) -> None:
        """Remove what is stored under a key, if anything."""

    def discard(self, found: StoredObject) -> None:
        """Remove something that `listing` found."""

    def size(self, key: str) -> int | None:
        """Bytes stored under a key, or None where there is nothing."""

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """Everything whose key begins with the folder `prefix`, unfinished uploads included."""

    def local_path(self, key: str) -> Path | None:
        """The file, where this machine can send it itself; else None, and `signed_url` says where it is."""

    def signed_url(self, key: str, *, disposition: str, content_type: str, seconds: int) -> str | None:
        """A short-lived address from which the bytes are read directly, or None on a disk."""

    def free_bytes(self) -> int | None:
        """Room that is left, or None where the store does not say."""

    def origin(self) -> str | None:
        """`scheme://host[:port]` to which browsers send parts, or None for the site's own."""


class PartsChanged(Exception):
    """The parts in the store are not those that were checked: one of them was sent again meanwhile."""


def blob_store() -> BlobStore:
    """The store of this site."""
    return _store(settings.STORAGE_URL, Path(settings.DATA))


@lru_cache(maxsize=4)
def _store(url: str, folder: Path) -> BlobStore:
    if not url:
        from registry.storage.local import LocalStore  # noqa: PLC0415 - the other adapter brings boto3 with it

        return LocalStore(folder)
    from registry.storage.s3 import S3Store  # noqa: PLC0415 - boto3 is loaded only where it is used

    return S3Store.from_url(url)


def part_size_for(size: int) -> int:
    """Bytes of each part but the last, for a file of `size` bytes."""
    return max(LEAST_PART_BYTES, -(-size // _MOST_PARTS // _MIB) * _MIB)


def blob_key(sha256: str) -> str:
    """Where a folder keeps a blob: two levels, so that no folder grows beyond some thousand entries."""
    return f"{BLOBS}{sha256[:2]}/{sha256[2:4]}/{sha256}"


def checked_key(key: str) -> str:
    """The key itself. Raises ValueError for one that this project never makes (`..`, an absolute path)."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key of the store: {key!r}")
    return key
