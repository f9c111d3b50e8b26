"""The first thing that runs inside a jailed child: lock up, then do the work.

Started by `registry.imaging.jail`, never imported by anything that serves people. Limits are set before a byte of
input is read, and here rather than between fork and exec, where a threaded parent may not run Python.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from typing import Final

OUT_OF_MEMORY: Final = 3
NO_ROOM: Final = 4

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWIPC: Final = 0x08000000
_CAPABILITY_VERSION: Final = 0x20080522


def _limit(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    """Bounds that the kernel keeps: address space, processor time, size of a file, open files, processes, dumps."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file too long is then an OSError
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # counts for ordinary users; root's own are not counted
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _leave_the_network(libc: ctypes.CDLL) -> str:
    """Into namespaces of one's own, where there is no network; "limits" where the system forbids it."""
    alone = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0
    return "namespace" if alone else "limits"


def _shut_the_door(libc: ctypes.CDLL) -> None:
    """See nothing but the working folder where that is permitted, and give up every right to undo it."""
    if libc.chroot(b".") == 0:
        os.chdir("/")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc.capset(header, nothing)


def enter() -> None:
    """Lock up and call `module:function` with the arguments; its answer is the exit status.

    Arguments: the folder of the project, a JSON object of limits, `module:function`, then the function's own. The
    module is imported before the door is shut, so it must import all that it needs at its top.
    """
    settings = json.loads(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.nice(5)
    _limit(settings["memory"], settings["cpu_seconds"], settings["file_bytes"])
    kind = _leave_the_network(libc)
    module, _, function = sys.argv[3].partition(":")
    work = getattr(importlib.import_module(module), function)
    _shut_the_door(libc)
    try:
        status = work(*sys.argv[4:])
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # nothing more may be allocated on the way out
    sys.stdout.write(kind)
    sys.exit(status)
