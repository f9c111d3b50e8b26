import hashlib
import io
import itertools
import threading
import tracemalloc
import zlib

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.errors import MalformedFile
from registry.formats.hashes import BLOCK_BYTES, Digester, Hashes, hash_stream
from tests.registry.formats.build import safetensors_file

MIB = 1 << 20


def one_shot(data: bytes, data_offset: int | None = None) -> Hashes:
    sha256 = hashlib.sha256(data).hexdigest()
    behind = None if data_offset is None else hashlib.sha256(data[data_offset:]).hexdigest()
    return Hashes(
        sha256=sha256,
        blake3=blake3.blake3(data).hexdigest(),
        crc32=zlib.crc32(data).to_bytes(4, "little").hex(),
        autov1=hashlib.sha256(data[MIB : MIB + 65536]).hexdigest()[:8] if len(data) >= 2 * MIB else None,
        autov2=sha256[:10],
        autov3=behind and behind[:12],
        data_sha256=behind,
    )


def noise(size: int) -> bytes:
    return hashlib.shake_128(b"noise").digest(size)


def test_the_published_vectors_of_hello_world():
    hashes = hash_stream(io.BytesIO(b"hello world"), 11)

    assert hashes.sha256 == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert hashes.autov2 == "b94d27b993"
    assert hashes.blake3 == "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"
    assert hashes.crc32 == "85114a0d"
    assert hashes.autov1 is None
    assert hashes.autov3 is None


@given(
    data=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    offset=st.none() | st.integers(0, 320),
)
def test_any_split_gives_the_digests_of_the_whole(data, cuts, offset):
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})

    with Digester(len(data), offset, threads=False) as digester:
        for start, end in itertools.pairwise(borders):
            digester.update(data[start:end])
        hashes = digester.result()

    assert hashes == one_shot(data, offset)


@pytest.mark.parametrize("threads", [True, False], ids=["threads", "one thread"])
@pytest.mark.parametrize("offset", [None, 8, 123_457, 5 * MIB, 11 * MIB])
def test_long_files_in_unequal_blocks(threads, offset):
    data = noise(11 * MIB + 17)
    steps = [1, MIB - 1, MIB + 65_535, 3, 4 * MIB, 5 * MIB, len(data)]

    with Digester(len(data), offset, threads=threads) as digester:
        position = 0
        for step in steps:
            digester.update(memoryview(data)[position : position + step])
            position += step
        hashes = digester.result()

    assert hashes == one_shot(data, offset)


@pytest.mark.parametrize("size", [2 * MIB - 1, 2 * MIB, 4 * MIB, 4 * MIB + 1])
def test_autov1_needs_two_mebibytes(size):
    data = noise(size)

    hashes = hash_stream(io.BytesIO(data), size)

    assert hashes == one_shot(data)
    assert (hashes.autov1 is None) == (size < 2 * MIB)


def test_a_buffer_that_is_used_again_does_no_harm():
    data = noise(12 * MIB)
    buffer = bytearray(MIB)

    with Digester(len(data), 100) as digester:
        for start in range(0, len(data), MIB):
            buffer[:] = data[start : start + MIB]
            digester.update(memoryview(buffer))
        hashes = digester.result()

    assert hashes == one_shot(data, 100)


AUTO = {
    "safetensors": (safetensors_file({"w": ("F32", (40,))}), True),
    "empty": (b"", False),
    "torch zip": (b"PK\x03\x04" + bytes(100), False),
    "eight bytes": (b"\x02" + bytes(7), False),
    "length beyond the file": (b"\xff\x00\x00\x00\x00\x00\x00\x00{}", False),
    "no brace": (b"\x02\x00\x00\x00\x00\x00\x00\x00[]", False),
}


@pytest.mark.parametrize(("data", "has_autov3"), AUTO.values(), ids=AUTO.keys())
def test_autov3_exists_for_safetensors_only(data, has_autov3):
    hashes = hash_stream(io.BytesIO(data), len(data), data_offset="auto")

    offset = 8 + int.from_bytes(data[:8], "little") if has_autov3 else None
    assert hashes == one_shot(data, offset)


def test_a_changed_header_keeps_autov3_alone():
    spec = {"w": ("F32", (40,))}
    first = hash_stream(io.BytesIO(a := safetensors_file(spec, fill=1)), len(a), data_offset="auto")
    second = hash_stream(io.BytesIO(b := safetensors_file(spec, {"t": "x"}, fill=1)), len(b), data_offset="auto")

    assert first.autov3 == second.autov3
    assert first.data_sha256 == second.data_sha256
    assert first.sha256 != second.sha256


def test_progress_reaches_the_size():
    data = noise(9 * MIB)
    heard: list[int] = []

    hash_stream(io.BytesIO(data), len(data), on_progress=heard.append)

    assert heard == [BLOCK_BYTES, 2 * BLOCK_BYTES, 9 * MIB]


def digest_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("digest-")]


def test_a_stop_in_the_middle_leaves_no_thread():
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    data = noise(9 * MIB)

    with pytest.raises(KeyboardInterrupt):
        hash_stream(io.BytesIO(data), len(data), on_progress=stop)

    assert digest_threads() == []


def test_a_file_that_ends_early_is_named():
    data = noise(9 * MIB)

    with pytest.raises(MalformedFile) as refusal:
        hash_stream(io.BytesIO(data[:-1]), len(data))

    assert refusal.value.reason == "file_truncated"
    assert digest_threads() == []


def test_only_the_announced_bytes_are_read():
    stream = io.BytesIO(b"hello world and more")

    assert hash_stream(stream, 11) == one_shot(b"hello world")
    assert stream.read() == b" and more"


@pytest.mark.parametrize("threads", [True, False], ids=["threads", "one thread"])
def test_wrong_counts_are_an_error(threads):
    with Digester(5, None, threads) as digester:
        digester.update(b"four")
        with pytest.raises(ValueError, match="4 bytes came of the 5"):
            digester.result()
        with pytest.raises(ValueError, match="more than the 5"):
            digester.update(b"xx")


def test_few_blocks_are_held_at_a_time():
    class Zeros(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    tracemalloc.start()

    hash_stream(Zeros(), 200 * MIB, data_offset=8)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * MIB
