"""Bytes in a folder: `uploads/<name>` while they come in, `blobs/aa/bb/<sha256>` for good.

A file that is coming in has a record beside it, `uploads/<name>.parts`: a line for each part that arrived whole,
written after its last byte was on the disk. Completing a file removes the record. Whoever writes a part holds a shared
lock for each block and looks whether the record still stands; completing takes the lock alone. So no byte of a complete
file can change, however late a part's last block arrives, and a connection that hangs holds no lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, StoreFull
from registry.storage import (
    PART_SECONDS,
    UPLOADS,
    Incoming,
    PartsChanged,
    PartTarget,
    StoredObject,
    StoredPart,
    blob_key,
    checked_key,
)

BLOCK_BYTES: Final = 1 << 20
_RECORD: Final = re.compile(r"([1-9][0-9]{0,5}) ([0-9]{1,15}) ([0-9a-f]{8}|-)")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV})
_RETRACTED: Final = "-"


class LocalStore:
    """A `BlobStore` on a folder. All of it must lie on one file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._signer = Signer(salt="registry.storage.part")

    # A file on its way in -------------------------------------------------------------------------------------

    def begin(self, name: str, size: int, part_size: int) -> Incoming:
        if size > self.free_bytes():
            raise _store_full()
        incoming = Incoming(UPLOADS + name, "", size, part_size)
        path = self._path(incoming.key)
        with _room():
            _make_folder(path.parent)
            # The record first: data without one counts as complete.
            for new in (_record_of(path), path):
                os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640))
        return incoming

    def part_target(self, incoming: Incoming, number: int) -> PartTarget:
        expires_at = datetime.now(UTC) + timedelta(seconds=PART_SECONDS)
        until, name = int(expires_at.timestamp()), incoming.key.removeprefix(UPLOADS)
        signature = self._signer.signature(f"{name}:{number}:{until}")
        address = reverse("registry:part", args=[name, number])
        return PartTarget(number, f"{address}?until={until}&signature={signature}", expires_at)

    def is_signed(self, name: str, number: int, until: str, signature: str) -> bool:
        """Whether this site gave out the address of a part, and not too long ago."""
        try:
            self._signer.unsign(f"{name}:{number}:{until}:{signature}")
        except BadSignature:
            return False
        return int(until) > datetime.now(UTC).timestamp()

    def write_part(self, incoming: Incoming, number: int, read: Callable[[int], bytes]) -> str:
        """Put one part into its place, in blocks of 1 MiB from `read`; answers with its etag.

        The part counts once its last byte is on the disk. While it is written again it does not count. Raises
        InvalidInput for a part of another length than it must have, StoreFull, and Conflict once the file is complete
        or gone.
        """
        path = self._path(incoming.key)
        try:
            data, record = os.open(path, os.O_WRONLY), os.open(_record_of(path), os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            raise _no_longer_open() from None
        try:
            with _room():
                _note(data, record, number, 0, _RETRACTED)
                checksum = _copy(read, data, record, incoming.offset_of(number), incoming.length_of(number))
                os.fdatasync(data)
                etag = f"{checksum:08x}"
                _note(data, record, number, incoming.length_of(number), etag)
            return etag
        finally:
            os.close(data)
            os.close(record)

    def list_parts(self, incoming: Incoming) -> list[StoredPart]:
        try:
            text = _record_of(self._path(incoming.key)).read_text("ascii", errors="replace")
        except FileNotFoundError:
            return []
        return _parts(text)

    def is_whole(self, incoming: Incoming) -> bool:
        return not _record_of(self._path(incoming.key)).exists() and self.size(incoming.key) == incoming.size

    def complete(self, incoming: Incoming, parts: Sequence[StoredPart]) -> None:
        path = self._path(incoming.key)
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            record = _record_of(path)
            if record.exists():
                held = self.list_parts(incoming)
                if len(held) != incoming.part_count or held != sorted(parts, key=lambda part: part.number):
                    raise PartsChanged
                os.fsync(file.fileno())
                record.unlink()
                _sync_folder(path.parent)
            if os.fstat(file.fileno()).st_size != incoming.size:
                raise PartsChanged

    def abort(self, incoming: Incoming) -> None:
        self.delete(incoming.key)

    # What is stored -------------------------------------------------------------------------------------------

    def open(self, key: str) -> BinaryIO:
        return self._path(key).open("rb")

    def promote(self, key: str, sha256: str) -> str:
        # A second name and not a rename: until the database knows the blob, the bytes must be found under the first.
        target_key = blob_key(sha256)
        source, target = self._path(key), self._path(target_key)
        if source == target or target.exists():
            return target_key
        with _room():
            _make_folder(target.parent)
            try:
                _link_or_copy(source, target)
            except FileExistsError:
                return target_key
        _sync_folder(target.parent)
        return target_key

    def put(self, key: str, data: bytes, content_type: str) -> None:
        path = self._path(key)
        with _room():
            _make_folder(path.parent)
            _write_whole(path, lambda draft: draft.write_bytes(data))
        _sync_folder(path.parent)

    def put_file(self, key: str, path: Path) -> None:
        target = self._path(key)
        with _room():
            _make_folder(target.parent)
            path.chmod(0o640)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            _link_or_copy(path, target)
        _sync_folder(target.parent)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            _record_of(path).unlink(missing_ok=True)
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # a part that is being written stops at its next block
            _record_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        finally:
            os.close(file)

    def discard(self, found: StoredObject) -> None:
        self.delete(found.key)

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        folder = self._path(prefix.rstrip("/"))
        for place, _folders, names in os.walk(folder):
            for name in sorted({name.removesuffix(".parts") for name in names}):
                path = Path(place, name)
                with suppress(FileNotFoundError):  # taken away while we look
                    status = (path if path.exists() else _record_of(path)).stat()
                    # The time of the last change of any kind: a link that gave the bytes a place counts too.
                    changed = datetime.fromtimestamp(status.st_ctime, UTC)
                    yield StoredObject(path.relative_to(self.root).as_posix(), status.st_size, changed)

    def local_path(self, key: str) -> Path | None:
        return self._path(key)

    def signed_url(self, key: str, *, disposition: str, content_type: str, seconds: int) -> str | None:
        return None

    def free_bytes(self) -> int:
        self.root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

    def origin(self) -> str | None:
        return None

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)


def _record_of(path: Path) -> Path:
    return path.with_name(path.name + ".parts")


def _parts(text: str) -> list[StoredPart]:
    """The last word on each part. A line that power failure cut short says nothing."""
    parts: dict[int, StoredPart] = {}
    for line in text.splitlines():
        match = _RECORD.fullmatch(line)
        if match is None:
            continue
        number = int(match[1])
        parts.pop(number, None)
        if match[3] != _RETRACTED:
            parts[number] = StoredPart(number, int(match[2]), match[3])
    return sorted(parts.values(), key=lambda part: part.number)


def _copy(read: Callable[[int], bytes], data: int, record: int, offset: int, length: int) -> int:
    """Write exactly `length` bytes at `offset`; answers with their CRC32."""
    checksum, left = 0, length
    while left:
        block = read(min(BLOCK_BYTES, left))
        if not block:
            raise InvalidInput(
                _("The part ends %(count)d bytes too early. Send it again.") % {"count": left},
                code="part_cut_short",
                field="part",
            )
        checksum = zlib.crc32(block, checksum)
        with _still_open(data, record):
            _write_at(data, block, offset + length - left)
        left -= len(block)
    if read(1):
        raise InvalidInput(
            _("The part is longer than %(count)d bytes.") % {"count": length}, code="part_too_long", field="part"
        )
    return checksum


def _write_at(data: int, block: bytes, offset: int) -> None:
    view = memoryview(block)
    while view:
        written = os.pwrite(data, view, offset)
        view, offset = view[written:], offset + written


def _note(data: int, record: int, number: int, size: int, etag: str) -> None:
    with _still_open(data, record):
        os.write(record, f"{number} {size} {etag}\n".encode("ascii"))


@contextmanager
def _still_open(data: int, record: int) -> Iterator[None]:
    """Hold the file open for writing. Raises Conflict when it was completed or removed."""
    fcntl.flock(data, fcntl.LOCK_SH)
    try:
        if os.fstat(record).st_nlink == 0:
            raise _no_longer_open()
        yield
    finally:
        fcntl.flock(data, fcntl.LOCK_UN)


@contextmanager
def _room() -> Iterator[None]:
    """Turns a full disk into a refusal that people understand."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _store_full() from error
        raise


def _store_full() -> StoreFull:
    return StoreFull(_("The site has no room for these bytes. What has arrived is kept; go on when there is room."))


def _no_longer_open() -> Conflict:
    return Conflict(_("The upload is complete or gone and takes no more parts."), code="upload_not_open")


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a draft, bring it to the disk, and give it its name."""
    draft = path.with_name(f"draft-{uuid4().hex}")
    try:
        write(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links. Raises FileExistsError."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _write_whole(target, lambda draft: shutil.copyfile(source, draft))


def _make_folder(folder: Path) -> None:
    """Make a folder and what leads to it, and bring the names of the new ones to the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o750, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
