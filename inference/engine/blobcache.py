"""Files that the engine has at hand: a folder keyed by SHA-256, bounded in size, checked on the way in.

Several workers of one machine may share the folder. A file appears under its name whole or not at all; it is used
under a hard link that bears the suffix by which libraries choose a reader, and that outlives its removal from the
cache while it is in use. The oldest files go first when room is needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from inference.engine.errors import BadIngredient

CHUNK: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_SUFFIXES: Final = {"safetensors": ".safetensors", "torch-zip": ".ckpt", "torch-legacy": ".ckpt"}
_LEFT_SECONDS: Final = 86_400  # what is that old and not finished was left by a process that was killed


class Stored(Protocol):
    """Something with a SHA-256, a size in bytes, and a key under which the store holds it."""

    @property
    def sha256(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def key(self) -> str: ...


class Store(Protocol):
    """The part of a store that is used here."""

    def open(self, key: str) -> BinaryIO: ...

    def local_path(self, key: str) -> Path | None: ...


class BlobCache:
    """The folder. `limit` bounds what is kept beside the files of the render in hand, in bytes."""

    def __init__(self, folder: Path, store: Store, limit: int) -> None:
        self.folder, self._store, self._limit = folder, store, limit
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "links").mkdir(exist_ok=True)
        _clear_left(folder / "links")
        _clear_left(folder / "files", ".coming-*")

    @property
    def architectures(self) -> Path:
        """Where folders of configurations may be made."""
        return self.folder / "architectures"

    @contextmanager
    def lent(self, blob: Stored, suffix: str = "", *, role: str = "") -> Iterator[Path]:
        """The file under a name that ends in `suffix`, for as long as the context is open.

        Raises BadIngredient (`file_changed`) where the store's bytes are not those of the hash, and FileNotFoundError
        where it has none.
        """
        if not _SHA256.match(blob.sha256):
            raise ValueError(f"not a SHA-256: {blob.sha256!r}")
        with tempfile.TemporaryDirectory(dir=self.folder / "links") as own:
            link = Path(own) / (blob.sha256 + suffix)
            self._link(blob, link, role)
            yield link

    def _link(self, blob: Stored, link: Path, role: str) -> None:
        kept = self.folder / "files" / blob.sha256
        try:
            os.link(kept, link)
        except FileNotFoundError:
            with self._locked(blob.sha256):
                try:
                    os.link(kept, link)  # another worker fetched it while we waited
                except FileNotFoundError:
                    self._make_room(blob.size)
                    self._fetch(blob, kept, link, role)
        os.utime(link)  # the file's own time: it is one file with two names

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """One process at a time fetches a file. The lock's file is small and stays: removing it would race."""
        (self.folder / "locks").mkdir(exist_ok=True)
        with (self.folder / "locks" / name[:2]).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fetch(self, blob: Stored, kept: Path, link: Path, role: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder / "files", prefix=".coming-") as own:
            coming = Path(own) / "file"
            if self._bring(blob, coming) != blob.sha256:
                raise BadIngredient("file_changed", role, sha256=blob.sha256)
            os.link(coming, link)  # first: what is kept may be pushed out at once
            coming.replace(kept)

    def _bring(self, blob: Stored, coming: Path) -> str:
        """Put the store's bytes there and return their SHA-256. A store on the same disk gives a link, not a copy."""
        local = self._store.local_path(blob.key)
        if local is not None:
            try:
                os.link(local, coming)
            except OSError:
                coming.unlink(missing_ok=True)
            else:
                with coming.open("rb") as source:
                    return _copy(source, lambda _: None, blob.size)
        with self._store.open(blob.key) as source, coming.open("wb") as target:
            return _copy(source, target.write, blob.size)

    def _make_room(self, size: int) -> None:
        """Remove what was longest not used, until `size` more bytes fit; all of it where they never fit."""
        held = []
        for path in (self.folder / "files").iterdir():
            try:
                facts = path.stat()
            except FileNotFoundError:  # another worker was faster
                continue
            if not path.name.startswith("."):
                held.append((facts.st_mtime, facts.st_size, path))
        total = sum(bytes_ for _, bytes_, _ in held)
        for _, bytes_, path in sorted(held):
            if total + size <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= bytes_


def _copy(source: BinaryIO, write: Callable[[bytes], object], size: int) -> str:
    """Copy at most one byte more than `size`; returns the SHA-256 of what came."""
    digest = hashlib.sha256()
    left = size + 1
    while left > 0 and (data := source.read(min(CHUNK, left))):
        digest.update(data)
        write(data)
        left -= len(data)
    return digest.hexdigest()


def suffix_for(format_: str) -> str:
    """The suffix by which diffusers chooses a reader for a blob's format. Empty: it has none for it."""
    return _SUFFIXES.get(format_, "")


def _clear_left(folder: Path, pattern: str = "*") -> None:
    """Remove what processes that were killed have left there."""
    for path in folder.glob(pattern):
        try:
            is_left = path.stat().st_mtime < time.time() - _LEFT_SECONDS
        except FileNotFoundError:  # its owner was faster
            continue
        if is_left:
            shutil.rmtree(path, ignore_errors=True)
