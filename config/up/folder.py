"""The data folder: its layout, its modes, and the locks that keep two sites out of one folder.

Two locks, both by `flock`, which the kernel lets go when the last holder ends, however it ended:
`lock` is held by `up` alone and says "in use"; `run/parts` is held by `up` and inherited by every child, so that a new
`up` after a `kill -9` can wait for the last of the old children.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.up.errors import CannotStart
from config.up.spawn import Account

FOLDERS = ("postgres", "valkey", "blobs", "uploads", "mail", "log", "run", "cache")
LEAST_FREE_BYTES = 200 * 10**6
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is about 107
_SECONDS_TO_END = 60.0


def prepare(data: Path, account: Account) -> None:
    """Make what is missing and set the modes. Raises CannotStart for a folder that cannot be used."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotStart(f"{data} is not a folder.") from error
    except PermissionError as error:
        raise CannotStart(f"You may not make the data folder {data}: choose another with --data.") from error
    except OSError as error:
        if is_full_disk(error):
            raise
        raise CannotStart(f"The data folder {data} cannot be made ({error.strerror}): choose another.") from error
    if data.stat().st_uid != os.geteuid():
        raise CannotStart(f"{data} belongs to another user: run this as that user, or choose another with --data.")
    _require_space(data)
    data.chmod(0o711 if account.is_other_user else 0o700)
    for name in FOLDERS:
        if name not in ("postgres", "run"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    _make_socket_folder(data, account)
    if (data / "uploads").stat().st_dev != (data / "blobs").stat().st_dev:
        raise CannotStart(f"{data / 'uploads'} and {data / 'blobs'} must lie on one file system.")


def _require_space(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < LEAST_FREE_BYTES:
        least = LEAST_FREE_BYTES // 10**6
        raise CannotStart(f"The disk of {data} is full: {free // 10**6} MB are free, at least {least} MB are needed.")


def _make_socket_folder(data: Path, account: Account) -> None:
    """`run`; a link to a short temporary folder where the path would be too long for a socket."""
    run = data / "run"
    if len(str(run / ".s.PGSQL.5432.lock")) > _LONGEST_SOCKET_PATH and not _is_own_folder(run):
        run.unlink(missing_ok=True)
        run.symlink_to(tempfile.mkdtemp(prefix="safelight-"))
    elif not run.is_symlink():
        run.mkdir(mode=0o700, exist_ok=True)
    if account.is_other_user:
        os.chown(run, account.popen["user"], account.popen["group"])
    run.chmod(0o711 if account.is_other_user else 0o700)


def _is_own_folder(run: Path) -> bool:
    """Whether the link still leads to what we made: a temporary folder may be gone, or somebody else's by now."""
    try:
        found = run.stat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and run.is_symlink()


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the folder. Raises CannotStart when another `up` does."""
    with (data / "lock").open("a+") as file:
        os.fchmod(file.fileno(), 0o600)
        if not _take(file.fileno()):
            file.seek(0)
            holder = file.read(20).strip()
            raise CannotStart(
                f"{data} is in use by another `manage.py up`" + (f" (process {holder})." if holder else ".")
            )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def parts_lock(data: Path) -> Iterator[int]:
    """The descriptor that every child inherits. Waits for children of a killed `up`, which end by themselves."""
    with (data / "run" / "parts").open("a+") as file:
        limit = time.monotonic() + _SECONDS_TO_END
        while not _take(file.fileno()):
            if time.monotonic() > limit:
                raise CannotStart(f"Processes of an earlier run still use {data}: stop them first.")
            time.sleep(0.1)
        yield file.fileno()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_full_disk(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def trim_logs(data: Path, *, limit: int = 20 * 10**6) -> None:
    """Keep one older part of each log. The writers append, so that a file can be emptied under them."""
    for log in (data / "log").glob("*.log"):
        if log.stat().st_size > limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
