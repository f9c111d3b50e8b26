"""Ways to read a part of a file: a window onto raw bytes, or a compressed member as it unfolds. No file is held."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Protocol

CHUNK = 1 << 16


class Source(Protocol):
    """Bytes in order. `size` is what is known of the whole, or None where only reading will tell."""

    size: int | None

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; fewer only at the end."""
        ...

    def skip(self, count: int) -> bool:
        """Pass over bytes; False when the source ends before."""
        ...


class Window:
    """A range of a seekable stream, with its own position. Many windows may share a stream."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.stream = stream
        self.start = start
        self.size: int | None = size
        self.length = size
        self.position = 0

    def read(self, count: int) -> bytes:
        count = min(count, self.length - self.position)
        if count <= 0:
            return b""
        self.stream.seek(self.start + self.position)
        data = read_fully(self.stream, count)
        self.position += len(data)
        return data

    def skip(self, count: int) -> bool:
        if count > self.length - self.position:
            self.position = self.length
            return False
        self.position += count
        return True

    def seek(self, position: int) -> None:
        self.position = max(0, min(position, self.length))


class Unfolded:
    """The content of a compressed source, at most `limit` bytes of it.

    `limited` says that there would have been more, `broken` that the compressed data end early or make no sense.
    """

    def __init__(self, inner: Source, decoder: Decoder, limit: int) -> None:
        self.inner = inner
        self.decoder = decoder
        self.limit = limit
        self.size: int | None = None
        self.produced = 0
        self.consumed = 0
        self.limited = False
        self.broken = False
        self._pending = bytearray()

    def read(self, count: int) -> bytes:
        while len(self._pending) < count and not self.broken and not self.limited:
            if not self._unfold():
                break
        data = bytes(self._pending[:count])
        del self._pending[:count]
        return data

    def skip(self, count: int) -> bool:
        while count > 0:
            data = self.read(min(count, CHUNK))
            if not data:
                return False
            count -= len(data)
        return True

    def _unfold(self) -> bool:
        """Decompress one more piece; False at the end."""
        if self.decoder.finished:
            return False
        data = b""
        if self.decoder.hungry:
            data = self.inner.read(CHUNK)
            self.consumed += len(data)
            if not data:
                self.broken = True  # the stream ends before its end mark
                return False
        room = min(CHUNK, self.limit - self.produced)
        if room <= 0:
            self.limited = True
            return False
        try:
            piece = self.decoder.feed(data, room)
        except (ValueError, OSError, EOFError, zlib.error):
            self.broken = True
            return False
        except MemoryError:
            self.limited = True
            return False
        self.produced += len(piece)
        self._pending += piece
        return True


class Decoder(Protocol):
    """A decompressor that gives at most `room` bytes at a time."""

    finished: bool
    hungry: bool

    def feed(self, data: bytes, room: int) -> bytes: ...


class ZlibDecoder:
    """Deflate in its three wrappings: `wbits` -15 raw (zip), 15 zlib, 31 gzip."""

    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)
        self.finished = False
        self.hungry = True

    def feed(self, data: bytes, room: int) -> bytes:
        piece = self._engine.decompress(self._engine.unconsumed_tail + data, room)
        self.finished = self._engine.eof
        self.hungry = not self._engine.unconsumed_tail
        return piece


class BlockDecoder:
    """The bz2 and lzma decompressors of the standard library, which share their manners, but not their errors."""

    def __init__(self, engine: object, failure: type[Exception]) -> None:
        self._engine = engine
        self._failure = failure
        self.finished = False
        self.hungry = True

    def feed(self, data: bytes, room: int) -> bytes:
        engine = self._engine
        try:
            piece: bytes = engine.decompress(data, room)  # type: ignore[attr-defined]
        except self._failure as error:
            raise ValueError(str(error)) from None
        self.finished = engine.eof  # type: ignore[attr-defined]
        self.hungry = engine.needs_input  # type: ignore[attr-defined]
        return piece


def read_fully(stream: BinaryIO, count: int) -> bytes:
    """Read `count` bytes even from a stream that gives them in pieces; fewer only at its end."""
    data = stream.read(count)
    if len(data) == count or not data:
        return data
    pieces = [data]
    missing = count - len(data)
    while missing:
        data = stream.read(missing)
        if not data:
            break
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


class Region:
    """A range of a seekable stream as a value: what containers are made of. Reading it moves the stream."""

    __slots__ = ("size", "start", "stream")

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.stream = stream
        self.start = start
        self.size = size

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer at the end, none outside."""
        count = min(count, self.size - offset)
        if offset < 0 or count <= 0:
            return b""
        self.stream.seek(self.start + offset)
        return read_fully(self.stream, count)

    def part(self, offset: int, size: int) -> Region:
        """A range inside this one, cut to fit."""
        offset = max(0, min(offset, self.size))
        return Region(self.stream, self.start + offset, max(0, min(size, self.size - offset)))

    def window(self, offset: int = 0) -> Window:
        return Window(self.stream, self.start + offset, self.size - offset)
