"""How a child is started: in a session of its own, dying with its parent, writing to a log."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """As whom a program runs: a command put before its own, or the arguments of `Popen` that change the user."""

    prefix: tuple[str, ...] = ()
    popen: dict[str, Any] = field(default_factory=dict)

    @property
    def is_other_user(self) -> bool:
        return bool(self.popen)


MYSELF = Account()


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send `number` to this process when the thread that started it ends (Linux only)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def _in_child(number: int, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(number)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    death: int = signal.SIGKILL,
    account: Account = MYSELF,
    env: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
    **more: Any,
) -> subprocess.Popen[bytes]:
    """Start a child from the main thread. `death` is what it gets when we end without stopping it; `keep` are
    descriptors it inherits. Raises OSError when the program cannot be started."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 (commands are built here, from our own paths)
            [*account.prefix, *map(str, command)],
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=more.pop("stdout", output),
            stderr=output,
            start_new_session=True,
            preexec_fn=_in_child(death, os.getpid()),
            env=env,
            pass_fds=tuple(keep),
            **account.popen,
            **more,
        )
