"""The folder of files at hand: checked on the way in, bounded, shared by workers."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from inference.engine.blobcache import BlobCache, suffix_for
from inference.engine.errors import BadIngredient
from inference.prompts.plan import StoredPicture


class Shelf:
    """A store of a folder that counts how often it was asked."""

    def __init__(self, folder: Path, *, is_local: bool = False) -> None:
        self.folder, self.is_local, self.opened = folder, is_local, 0
        folder.mkdir()

    def put(self, data: bytes, sha256: str = "") -> StoredPicture:
        sha256 = sha256 or hashlib.sha256(data).hexdigest()
        (self.folder / sha256).write_bytes(data)
        return StoredPicture(sha256, len(data), sha256)

    def open(self, key: str) -> BinaryIO:
        self.opened += 1
        return (self.folder / key).open("rb")

    def local_path(self, key: str) -> Path | None:
        return self.folder / key if self.is_local else None


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "store")


@pytest.fixture
def cache(tmp_path, shelf):
    return BlobCache(tmp_path / "cache", shelf, 1000)


def _held(cache: BlobCache) -> set[str]:
    return {path.name for path in (cache.folder / "files").iterdir()}


def test_file_is_fetched_once_and_bears_its_suffix(cache, shelf):
    blob = shelf.put(b"weights")

    for _ in range(2):
        with cache.lent(blob, ".safetensors") as path:
            assert path.name == blob.sha256 + ".safetensors"
            assert path.read_bytes() == b"weights"

    assert shelf.opened == 1
    assert list((cache.folder / "links").iterdir()) == []


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-1], id="too short"),
        pytest.param(lambda data: data + b"more" * 1000, id="too long"),
        pytest.param(lambda data: b"W" + data[1:], id="another byte"),
    ],
)
def test_bytes_that_are_not_those_of_the_hash_never_come_in(tmp_path, is_local, change: Callable[[bytes], bytes]):
    shelf = Shelf(tmp_path / "store", is_local=is_local)
    cache = BlobCache(tmp_path / "cache", shelf, 1000)
    blob = shelf.put(b"weights")
    (shelf.folder / blob.key).write_bytes(change(b"weights"))

    with pytest.raises(BadIngredient) as refused, cache.lent(blob, role="vae"):
        pass

    assert (refused.value.code, refused.value.role) == ("file_changed", "vae")
    assert _held(cache) == set()


def test_file_that_the_store_has_not_is_missing(cache, shelf):
    blob = shelf.put(b"weights")
    (shelf.folder / blob.key).unlink()

    with pytest.raises(FileNotFoundError), cache.lent(blob):
        pass


def test_what_was_longest_unused_makes_room(cache, shelf):
    first, second, third = (shelf.put(letter * 400) for letter in (b"a", b"b", b"c"))
    for blob in (first, second):
        with cache.lent(blob):
            pass
    os.utime(cache.folder / "files" / second.sha256, (1, 1))

    with cache.lent(third):
        assert _held(cache) == {first.sha256, third.sha256}


def test_file_in_use_outlives_its_place(cache, shelf):
    first, second = shelf.put(b"a" * 800), shelf.put(b"b" * 800)

    with cache.lent(first) as path, cache.lent(second):
        assert _held(cache) == {second.sha256}
        assert path.read_bytes() == b"a" * 800


def test_file_larger_than_the_bound_is_still_lent(cache, shelf):
    blob = shelf.put(b"x" * 5000)

    with cache.lent(blob) as path:
        assert path.stat().st_size == 5000


def test_store_on_the_same_disk_is_not_copied(tmp_path):
    shelf = Shelf(tmp_path / "store", is_local=True)
    cache = BlobCache(tmp_path / "cache", shelf, 1000)
    blob = shelf.put(b"weights")

    with cache.lent(blob) as path:
        assert path.stat().st_ino == (shelf.folder / blob.key).stat().st_ino

    assert shelf.opened == 0


def test_many_workers_fetch_a_file_once(tmp_path, shelf):
    blob = shelf.put(os.urandom(1 << 20))

    def use(_: int) -> bytes:
        cache = BlobCache(tmp_path / "cache", shelf, 1 << 22)
        with cache.lent(blob) as path:
            return hashlib.sha256(path.read_bytes()).digest()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(use, range(16)))

    assert found == {bytes.fromhex(blob.sha256)}
    assert shelf.opened == 1


def test_workers_that_push_each_other_out_still_get_their_files(tmp_path, shelf):
    blobs = [shelf.put(os.urandom(900)) for _ in range(6)]
    cache = BlobCache(tmp_path / "cache", shelf, 1000)

    def use(number: int) -> bool:
        blob = blobs[number % len(blobs)]
        with cache.lent(blob) as path:
            return hashlib.sha256(path.read_bytes()).hexdigest() == blob.sha256

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(60)))


def test_what_a_killed_worker_left_is_cleared_away(tmp_path, shelf):
    cache = BlobCache(tmp_path / "cache", shelf, 1000)
    link, coming = cache.folder / "links" / "left", cache.folder / "files" / ".coming-left"
    long_ago = time.time() - 200_000
    for folder in (link, coming):
        folder.mkdir()
        os.utime(folder, (long_ago, long_ago))

    again = BlobCache(tmp_path / "cache", shelf, 1000)
    with again.lent(shelf.put(b"weights")):
        pass

    assert not link.exists()
    assert not coming.exists()


def test_name_that_is_no_hash_is_refused(cache):
    evil: Any = StoredPicture("../../etc/passwd", 1, "key")

    with pytest.raises(ValueError, match="SHA-256"), cache.lent(evil):
        pass


@pytest.mark.parametrize(("format_", "suffix"), [("safetensors", ".safetensors"), ("torch-zip", ".ckpt"), ("gguf", "")])
def test_suffix_follows_the_format(format_, suffix):
    assert suffix_for(format_) == suffix
