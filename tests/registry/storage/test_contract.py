"""What every store must do, asked of both: a folder, and a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
import io
import random
import urllib.request
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from community.errors import InvalidInput
from registry.storage import BlobStore, Incoming, PartsChanged
from registry.storage.local import LocalStore
from registry.storage.s3 import S3Store

PART = 5 << 20
SIZE = 2 * PART + 1000
BYTES = random.Random(6).randbytes(SIZE)
SHA256 = hashlib.sha256(BYTES).hexdigest()


def part_of(number: int, data: bytes = BYTES) -> bytes:
    return data[(number - 1) * PART : number * PART]


def send(store: BlobStore, incoming: Incoming, number: int, data: bytes | None = None) -> str:
    """PUT one part as a client would; answers with the etag as received."""
    body = part_of(number) if data is None else data
    if isinstance(store, LocalStore):
        return store.write_part(incoming, number, io.BytesIO(body).read)
    target = store.part_target(incoming, number)
    request = urllib.request.Request(target.url, data=body, method="PUT", headers=target.headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return answer.headers["ETag"]


def arrived(store: BlobStore, name: str = "one", numbers: tuple[int, ...] = (2, 1, 3)) -> Incoming:
    incoming = store.begin(name, SIZE, PART)
    for number in numbers:
        send(store, incoming, number)
    return incoming


def completed(store: BlobStore, name: str = "one") -> str:
    incoming = arrived(store, name)
    store.complete(incoming, store.list_parts(incoming))
    return incoming.key


def keys(store: BlobStore, prefix: str = "uploads/") -> list[str]:
    return sorted({found.key for found in store.listing(prefix)})


def test_parts_sent_in_any_order_are_listed_by_number_with_their_sizes(store):
    incoming = store.begin("one", SIZE, PART)
    etags = {number: send(store, incoming, number).strip('"') for number in (3, 1)}

    parts = store.list_parts(incoming)

    assert [(part.number, part.size, part.etag) for part in parts] == [(1, PART, etags[1]), (3, 1000, etags[3])]


def test_completed_bytes_are_read_as_they_were_sent(store):
    key = completed(store)

    with store.open(key) as stream:
        assert stream.read() == BYTES
    assert store.size(key) == SIZE


def test_a_part_sent_twice_counts_with_the_bytes_of_the_etag_that_is_named(store):
    incoming = arrived(store)
    changed = bytes(PART)
    etag = send(store, incoming, 2, changed).strip('"')

    store.complete(incoming, [part for part in store.list_parts(incoming) if part.number != 2 or part.etag == etag])

    with store.open(incoming.key) as stream:
        stream.seek(PART)
        assert stream.read(PART) == changed


def test_parts_that_the_site_itself_has_are_put_into_their_places(store):
    incoming, stream = store.begin("one", SIZE, PART), io.BytesIO(BYTES)
    for number in (1, 2, 3):
        store.write_part(incoming, number, io.BytesIO(stream.read(PART)).read)

    store.complete(incoming, store.list_parts(incoming))

    with store.open(incoming.key) as whole:
        assert whole.read() == BYTES


def test_a_part_that_ends_too_early_does_not_count(store):
    incoming = store.begin("one", SIZE, PART)

    with pytest.raises(InvalidInput, match="too early"):
        store.write_part(incoming, 1, io.BytesIO(BYTES[: PART - 1]).read)

    assert store.list_parts(incoming) == []


def test_completing_twice_changes_nothing(store):
    incoming = arrived(store)
    parts = store.list_parts(incoming)
    store.complete(incoming, parts)

    store.complete(incoming, parts)

    assert store.size(incoming.key) == SIZE


def test_a_part_sent_again_after_the_check_never_gets_in_unnoticed(store):
    incoming = arrived(store)
    parts = store.list_parts(incoming)
    send(store, incoming, 1, bytes(PART))

    try:
        store.complete(incoming, parts)
    except PartsChanged:
        assert not store.is_whole(incoming)
    else:
        with store.open(incoming.key) as stream:
            assert stream.read() == BYTES


def test_completing_what_never_began_finds_nothing(store):
    incoming = store.begin("gone", SIZE, PART)
    store.abort(incoming)

    with pytest.raises(FileNotFoundError):
        store.complete(incoming, [])


def test_an_aborted_upload_leaves_nothing(store):
    incoming = arrived(store, numbers=(1,))

    store.abort(incoming)
    store.abort(incoming)

    assert store.list_parts(incoming) == []
    assert keys(store) == []


def test_a_stream_seeks_and_reads_like_a_file(store):
    key = completed(store)
    model = io.BytesIO(BYTES)
    moves = random.Random(7)

    with store.open(key) as stream:
        for _ in range(60):
            start, length = moves.randrange(SIZE + 10), moves.choice([0, 1, 9, 70_000, 300_000, 3 << 20])
            assert stream.seek(start) == model.seek(start)
            assert stream.read(length) == model.read(length)
        assert stream.seek(-5, io.SEEK_END) == SIZE - 5
        assert stream.read() == BYTES[-5:]


def test_unknown_keys_are_not_found(store):
    assert store.size("uploads/nothing") is None
    with pytest.raises(FileNotFoundError):
        store.open("uploads/nothing").read()


def test_a_promoted_blob_survives_the_end_of_its_upload(store):
    key = completed(store)

    blob = store.promote(key, SHA256)
    if blob != key:
        store.delete(key)

    with store.open(blob) as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == SHA256


def test_promoting_twice_is_harmless(store):
    key = completed(store)

    assert store.promote(key, SHA256) == store.promote(key, SHA256)


def test_small_bytes_are_put_read_replaced_and_deleted(store):
    store.put("renditions/aa/one.webp", b"first", "image/webp")
    store.put("renditions/aa/one.webp", b"second", "image/webp")

    with store.open("renditions/aa/one.webp") as stream:
        assert stream.read() == b"second"
    store.delete("renditions/aa/one.webp")
    store.delete("renditions/aa/one.webp")
    assert store.size("renditions/aa/one.webp") is None


def test_a_file_of_this_machine_is_stored_whole_and_may_then_be_removed(store, tmp_path):
    path = tmp_path / "result"
    path.write_bytes(BYTES)

    store.put_file("uploads/result", path)
    path.unlink()

    assert store.size("uploads/result") == SIZE
    key = store.promote("uploads/result", SHA256)
    with store.open(key) as stream:
        assert stream.read() == BYTES


def test_listing_tells_unfinished_from_whole_and_both_can_be_discarded(store):
    completed(store, "whole")
    arrived(store, "half", numbers=(1,))
    assert keys(store) == ["uploads/half", "uploads/whole"]

    found = list(store.listing("uploads/"))
    for each in found:
        store.discard(each)

    assert all(abs((datetime.now(UTC) - each.modified_at).total_seconds()) < 120 for each in found)
    assert keys(store) == []


def test_a_part_has_a_signed_address_that_ends(store):
    incoming = store.begin(str(uuid.uuid4()), SIZE, PART)

    target = store.part_target(incoming, 2)

    assert target.number == 2
    assert 3000 < (target.expires_at - datetime.now(UTC)).total_seconds() <= 3600
    assert "ignature=" in target.url


def test_downloads_come_from_a_file_or_from_a_signed_address_never_both(store):
    key = completed(store)
    disposition = "attachment; filename*=UTF-8''t%C3%A9st.bin"

    path = store.local_path(key)
    url = store.signed_url(key, disposition=disposition, content_type="application/octet-stream", seconds=60)

    assert (path is None) != (url is None)
    if path is not None:
        assert path.read_bytes() == BYTES
    else:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
            assert answer.headers["Content-Disposition"] == disposition
            assert answer.read() == BYTES


@pytest.mark.parametrize("key", ["../secret_key", "/etc/passwd", "uploads/../../x", "", "uploads//x", "uploads/.x"])
def test_keys_that_leave_the_store_are_refused(store, key):
    with pytest.raises(ValueError, match="not a key"):
        store.open(key)


def test_only_a_bucket_has_an_origin_of_its_own(store):
    origin = store.origin()

    if isinstance(store, S3Store):
        assert urlsplit(origin).hostname == "127.0.0.1"
    else:
        assert origin is None
