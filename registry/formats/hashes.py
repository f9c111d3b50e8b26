"""Every digest that the ecosystem names a model file by, from one pass over its bytes.

Which digest covers which bytes: Civitai's public model scanner. SHA-256, BLAKE3 and CRC32 cover the whole file; CRC32
is spelled in little-endian byte order, as that scanner and its clients do ("hello world" is 85114a0d). AutoV1 is the
start of the SHA-256 of 64 KiB at 1 MiB and absent below 2 MiB; AutoV2 the start of the file's SHA-256; AutoV3 the start
of the SHA-256 of everything behind a safetensors header, and absent for other formats.
"""

import hashlib
import queue
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Literal, Protocol

import blake3

from registry.formats.errors import MalformedFile
from registry.formats.safetensors import MAX_HEADER_BYTES

BLOCK_BYTES: Final = 4 << 20
BLOCKS_IN_FLIGHT: Final = 6  # for each digest; the digests share the blocks, so that some 32 MB are held at most
AUTOV1_START: Final = 1 << 20
AUTOV1_BYTES: Final = 64 << 10
AUTOV1_MIN_SIZE: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Hashes:
    """Digests in lower-case hex. `data_sha256` is the whole digest that AutoV3 is the start of."""

    sha256: str
    blake3: str
    crc32: str
    autov1: str | None
    autov2: str
    autov3: str | None
    data_sha256: str | None


class _Digest(Protocol):
    def update(self, block: memoryview, /) -> object: ...


class _Crc32:
    def __init__(self) -> None:
        self.value = 0

    def update(self, block: memoryview, /) -> None:
        self.value = zlib.crc32(block, self.value)


class _Behind:
    """A SHA-256 of the bytes from `start` on, and of `length` bytes at most."""

    def __init__(self, start: int, length: int | None = None) -> None:
        self.sha256 = hashlib.sha256()
        self._skip = start
        self._left = length

    def update(self, block: memoryview, /) -> None:
        part = block[self._skip :]
        self._skip -= len(block) - len(part)
        if self._left is not None:
            part = part[: self._left]
            self._left -= len(part)
        self.sha256.update(part)


class _Lane:
    """One digest on a thread of its own, fed in order. All of these digests release the interpreter's lock."""

    def __init__(self, digest: _Digest, name: str) -> None:
        self._digest = digest
        self._blocks: queue.Queue[memoryview | None] = queue.Queue(BLOCKS_IN_FLIGHT)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"digest-{name}", daemon=True)
        self._thread.start()

    def put(self, block: memoryview) -> None:
        self._blocks.put(block)

    def finish(self) -> None:
        """Wait until all blocks are digested. Raises what the thread failed with."""
        if self._thread.is_alive():
            self._blocks.put(None)
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (block := self._blocks.get()) is not None:
            if self._failure is None:
                try:
                    self._digest.update(block)
                except BaseException as error:  # carried to the caller's thread; the queue is still emptied
                    self._failure = error


class Digester:
    """Digests `size` bytes given in order, in blocks of some 4 MB.

    `data_offset` is where a safetensors file's tensors begin, or None for other formats. With `threads`, digests run
    beside the caller's reading. Use it as a context manager, so that its threads end when reading fails.
    """

    def __init__(self, size: int, data_offset: int | None, threads: bool = True) -> None:
        self._size = size
        self._seen = 0
        self._sha256 = hashlib.sha256()
        self._blake3 = blake3.blake3(max_threads=1)
        self._crc32 = _Crc32()
        self._autov1 = _Behind(AUTOV1_START, AUTOV1_BYTES)
        self._data = None if data_offset is None else _Behind(data_offset)
        wanted: dict[str, _Digest] = {"sha256": self._sha256, "blake3": self._blake3, "crc32": self._crc32}
        if self._data is not None:
            wanted["data"] = self._data
        self._digests = wanted.values()
        # A file of one block gains nothing from threads.
        use_lanes = threads and size > BLOCK_BYTES
        self._lanes = [_Lane(digest, name) for name, digest in wanted.items()] if use_lanes else []

    def __enter__(self) -> "Digester":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, block: bytes | memoryview) -> None:
        """Add the next bytes. A block that could still change is copied, since threads read it later.

        Raises ValueError when there are more bytes than `size`.
        """
        view = memoryview(block).cast("B")
        if not view.readonly and self._lanes:
            view = memoryview(bytes(view))
        if self._seen + len(view) > self._size:
            raise ValueError(f"more than the {self._size} bytes announced")
        if self._seen < AUTOV1_START + AUTOV1_BYTES:
            self._autov1.update(view)
        self._seen += len(view)
        for lane in self._lanes:
            lane.put(view)
        if not self._lanes:
            for digest in self._digests:
                digest.update(view)

    def result(self) -> Hashes:
        """The digests of all bytes. Raises ValueError when fewer than `size` came."""
        self.close()
        if self._seen != self._size:
            raise ValueError(f"{self._seen} bytes came of the {self._size} announced")
        sha256 = self._sha256.hexdigest()
        data_sha256 = None if self._data is None else self._data.sha256.hexdigest()
        return Hashes(
            sha256=sha256,
            blake3=self._blake3.hexdigest(),
            crc32=self._crc32.value.to_bytes(4, "little").hex(),
            autov1=self._autov1.sha256.hexdigest()[:8] if self._size >= AUTOV1_MIN_SIZE else None,
            autov2=sha256[:10],
            autov3=None if data_sha256 is None else data_sha256[:12],
            data_sha256=data_sha256,
        )

    def close(self) -> None:
        """End the threads once they have digested what they were given. May be called twice."""
        for lane in self._lanes:
            lane.finish()


def hash_stream(
    stream: BinaryIO,
    size: int,
    *,
    on_progress: Callable[[int], None] | None = None,
    data_offset: int | Literal["auto"] | None = None,
) -> Hashes:
    """Read `size` bytes once, from where `stream` stands, and digest them.

    "auto" takes the file for safetensors when its first nine bytes look so; a caller that has read the header knows
    better and gives its offset, or None. `on_progress` hears the count of bytes read so far after every block, and may
    raise to stop. Raises MalformedFile("file_truncated") when the stream ends early.
    """
    first = _read_block(stream, min(size, BLOCK_BYTES), size)
    offset = _looks_like_safetensors(first, size) if data_offset == "auto" else data_offset
    with Digester(size, offset) as digester:
        block, done = first, 0
        while block:
            digester.update(block)
            done += len(block)
            if on_progress is not None:
                on_progress(done)
            block = _read_block(stream, min(size - done, BLOCK_BYTES), size - done)
        return digester.result()


def _read_block(stream: BinaryIO, length: int, left: int) -> bytes:
    block = stream.read(length) if length else b""
    if length and not block:
        raise MalformedFile("file_truncated", f"The file ends {left} bytes before its announced size.")
    return block


def _looks_like_safetensors(first: bytes, size: int) -> int | None:
    length = int.from_bytes(first[:8], "little")
    plausible = first[8:9] == b"{" and 2 <= length <= min(MAX_HEADER_BYTES, size - 8)
    return 8 + length if plausible else None
