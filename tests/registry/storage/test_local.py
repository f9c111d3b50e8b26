"""What only a folder has to prove: parts that come late, short or to a full disk, and names on the disk."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import resource
import shutil
import tracemalloc
import zlib

import pytest

from community.errors import Conflict, InvalidInput, StoreFull
from registry.storage import part_size_for
from registry.storage.local import LocalStore

MIB = 1 << 20
PART = 2 * MIB


@pytest.fixture
def store(local_store: LocalStore) -> LocalStore:
    return local_store


def reader(*blocks: bytes):
    waiting = list(blocks)
    return lambda count: waiting.pop(0)[:count] if waiting else b""


def test_the_etag_is_the_crc32_of_the_part(store):
    incoming = store.begin("one", 5, PART)

    etag = store.write_part(incoming, 1, io.BytesIO(b"hello").read)

    assert etag == f"{zlib.crc32(b'hello'):08x}"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "part_cut_short"), (b"x" * (PART - 1), "part_cut_short"), (b"x" * (PART + 1), "part_too_long")],
    ids=["nothing", "one byte short", "one byte long"],
)
def test_a_part_of_a_wrong_length_does_not_count(store, body, code):
    incoming = store.begin("one", 2 * PART, PART)

    with pytest.raises(InvalidInput) as refused:
        store.write_part(incoming, 1, io.BytesIO(body).read)

    assert (refused.value.code, refused.value.field) == (code, "part")
    assert store.list_parts(incoming) == []


def test_a_part_that_is_being_replaced_does_not_count_until_it_is_whole_again(store):
    incoming = store.begin("one", 2 * PART, PART)
    store.write_part(incoming, 1, io.BytesIO(bytes(PART)).read)

    with pytest.raises(InvalidInput):
        store.write_part(incoming, 1, reader(bytes(MIB)))

    assert store.list_parts(incoming) == []


def test_a_part_that_began_before_completion_cannot_change_a_byte_after_it(store):
    incoming = store.begin("one", PART, PART)

    def complete_meanwhile(count: int) -> bytes:
        if not store.is_whole(incoming):
            store.write_part(incoming, 1, io.BytesIO(b"A" * PART).read)
            store.complete(incoming, store.list_parts(incoming))
        return b"B" * count

    with pytest.raises(Conflict) as refused:
        store.write_part(incoming, 1, complete_meanwhile)

    assert refused.value.code == "upload_not_open"
    with store.open(incoming.key) as stream:
        assert set(stream.read()) == {ord("A")}


@pytest.mark.parametrize("end", ["complete", "abort"])
def test_no_part_is_taken_once_the_upload_has_ended(store, end):
    incoming = store.begin("one", 4, PART)
    store.write_part(incoming, 1, io.BytesIO(b"four").read)
    if end == "complete":
        store.complete(incoming, store.list_parts(incoming))
    else:
        store.abort(incoming)

    with pytest.raises(Conflict):
        store.write_part(incoming, 1, io.BytesIO(b"FOUR").read)


def test_a_sender_that_hangs_holds_no_lock(store):
    incoming = store.begin("one", PART, PART)
    path = store.local_path(incoming.key)
    free: list[bool] = []

    def look(count: int) -> bytes:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free.append(True)
        return bytes(count)

    store.write_part(incoming, 1, lambda count: look(count) if len(free) < 2 else b"")

    assert free == [True, True]


def test_a_record_that_power_failure_cut_short_loses_only_its_last_line(store):
    incoming = store.begin("one", 2 * PART, PART)
    for number in (1, 2):
        store.write_part(incoming, number, io.BytesIO(bytes(PART)).read)
    record = store.root / "uploads/one.parts"
    record.write_bytes(record.read_bytes()[:-3])

    assert [part.number for part in store.list_parts(incoming)] == [1]


@pytest.fixture
def small_files():
    """No file of this process may grow beyond 3 MiB: the kernel refuses the write as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_refuses_the_part_and_keeps_the_others(store, small_files):
    incoming = store.begin("one", 2 * PART, PART)
    store.write_part(incoming, 1, io.BytesIO(bytes(PART)).read)

    with pytest.raises(StoreFull) as refused:
        store.write_part(incoming, 2, io.BytesIO(bytes(PART)).read)

    assert refused.value.__cause__.errno == errno.EFBIG
    assert [part.number for part in store.list_parts(incoming)] == [1]


def test_the_upload_goes_on_when_there_is_room_again(store):
    incoming = store.begin("one", 2 * PART, PART)
    store.write_part(incoming, 1, io.BytesIO(bytes(PART)).read)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, before[1]))
    try:
        with pytest.raises(StoreFull):
            store.write_part(incoming, 2, io.BytesIO(bytes(PART)).read)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    store.write_part(incoming, 2, io.BytesIO(bytes(PART)).read)
    store.complete(incoming, store.list_parts(incoming))

    assert store.size(incoming.key) == 2 * PART


def test_a_file_larger_than_the_disk_is_refused_at_once(store):
    with pytest.raises(StoreFull):
        store.begin("one", shutil.disk_usage(store.root.parent).free * 2, PART)

    assert list(store.listing("uploads/")) == []


def test_a_blob_is_the_same_file_as_its_upload_and_not_a_copy(store):
    incoming = store.begin("one", 4, PART)
    store.write_part(incoming, 1, io.BytesIO(b"four").read)
    store.complete(incoming, store.list_parts(incoming))

    key = store.promote(incoming.key, "ab" * 32)

    assert key == f"blobs/ab/ab/{'ab' * 32}"
    assert store.local_path(key).samefile(store.local_path(incoming.key))


def test_where_the_file_system_knows_no_links_a_blob_is_a_copy(store, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    store.put("uploads/one", b"four", "")
    monkeypatch.setattr(os, "link", refuse)

    key = store.promote("uploads/one", "ab" * 32)

    with store.open(key) as stream:
        assert stream.read() == b"four"


def test_nothing_stored_is_readable_by_other_users(store):
    incoming = store.begin("one", 4, PART)

    path = store.local_path(incoming.key)

    assert path.stat().st_mode & 0o007 == 0
    assert path.parent.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("size", "part", "parts"),
    [
        (1, 16 * MIB, 1),
        (7 << 30, 16 * MIB, 448),
        (9_000 * 16 * MIB, 16 * MIB, 9_000),
        (9_000 * 16 * MIB + 1, 17 * MIB, 8_471),
        (200 * 10**9, 22 * MIB, 8_670),
    ],
    ids=["a byte", "7 GiB", "the most small parts", "one byte more", "200 GB"],
)
def test_parts_are_small_until_there_would_be_too_many(size, part, parts):
    assert part_size_for(size) == part
    assert -(-size // part) == parts


def test_a_large_part_never_stands_in_memory(store):
    size = 256 * MIB
    block, left = bytes(MIB), [size]

    def read(count: int) -> bytes:
        taken = min(count, left[0])
        left[0] -= taken
        return block[:taken]

    incoming = store.begin("one", size, size)
    tracemalloc.start()
    try:
        store.write_part(incoming, 1, read)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * MIB
    store.abort(incoming)
