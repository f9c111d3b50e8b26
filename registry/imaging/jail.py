"""A child process with bounds, for code that takes hostile bytes apart.

The child gets an empty environment, an input it can only read, a folder of its own, limits on memory, processor time,
file size, open files and processes, and a deadline. Where the system permits namespaces it has no network and sees no
other folder; where not, the limits alone hold. `jail_kind()` says which.
"""

import functools
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final, Literal

from registry.imaging.cell import NO_ROOM, OUT_OF_MEMORY
from registry.imaging.errors import PictureRefused, ReadingFailed

logger = logging.getLogger(__name__)

_ROOT: Final = Path(__file__).resolve().parents[2]
_ENTER: Final = "import sys; sys.path.insert(0, sys.argv[1]); from registry.imaging.cell import enter; enter()"
# Newer interpreters load modules at first use, which the child could not do any more.
_EAGER: Final = ("-X", "lazy_imports=none")
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}
_MAX_WORDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may use: bytes of address space and of one file, seconds of processor and of waiting."""

    memory: int = 1_700_000_000
    cpu_seconds: int = 40
    file_bytes: int = 32_000_000
    wall_seconds: float = 120


def run_jailed(
    work: str,
    source: IO[bytes] | int,
    folder: Path,
    *arguments: str,
    bounds: Bounds = Bounds(),
) -> str:
    """Run `work` ("module:function") in a child whose standard input is `source` and whose folder is `folder`.

    Answers how the child was kept, "namespace" or "limits". Raises PictureRefused (too_slow, too_much_memory,
    damaged) when it overran its bounds or fell over, ReadingFailed when this machine could not run it.
    """
    settings = json.dumps(asdict(bounds))
    command = [sys.executable, "-I", *_EAGER, "-c", _ENTER, str(_ROOT), settings, work, *arguments]
    with tempfile.TemporaryFile() as words:
        try:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                command,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=words,
                cwd=folder,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise ReadingFailed(f"the child could not be started: {error}") from error
        said = _wait(child, bounds.wall_seconds)
        words.seek(max(0, words.seek(0, os.SEEK_END) - _MAX_WORDS))
        _judge(child.returncode, words.read().decode("utf-8", "replace").strip())
    return said


def _wait(child: subprocess.Popen[bytes], seconds: float) -> str:
    """What the child wrote to standard output, once it has ended. Ends it, and all it may have started, when late."""
    try:
        said, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise PictureRefused("too_slow") from error
    return said[:100].decode("ascii", "replace")


def _judge(status: int, words: str) -> None:
    """Say in our words how a child ended that did not end well. What it complained of goes to the log."""
    if words:
        logger.info("a jailed child ended with %s: %s", status, words)
    if status == 0:
        return
    if status == -signal.SIGXCPU:
        raise PictureRefused("too_slow")
    if status in {OUT_OF_MEMORY, -signal.SIGKILL}:  # the second: the system itself ran out
        raise PictureRefused("too_much_memory")
    if status in {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL}:
        raise PictureRefused("damaged")
    reason = "no room for its output" if status == NO_ROOM else f"it ended with {status}"
    raise ReadingFailed(f"the child failed, {reason}: {words}")


def probe() -> int:
    """The work of a child that only says how it is kept."""
    return 0


@functools.cache
def jail_kind() -> Literal["namespace", "limits"]:
    """Whether children here have no network and no other folder, or are bounded by limits alone. Asks once."""
    with tempfile.TemporaryDirectory() as folder:
        said = run_jailed("registry.imaging.jail:probe", subprocess.DEVNULL, Path(folder))
    return "namespace" if said == "namespace" else "limits"
