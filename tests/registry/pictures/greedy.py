"""Children that want more than they may have. Run inside the jail by the tests of it."""

import os
import socket
import time
from pathlib import Path


def eat_memory() -> int:
    """Hold more than the bound."""
    held = [bytearray(50_000_000) for _ in range(100)]
    return len(held)


def eat_time() -> int:
    """Compute for ever."""
    while True:
        pass


def sleep() -> int:
    """Wait for ever, which costs no processor time."""
    time.sleep(3600)
    return 0


def fill_the_disk() -> int:
    """Write without end; the child takes the refusal for a full disk."""
    block = bytes(1 << 20)
    with Path("large").open("wb") as file:
        for _ in range(1000):
            try:
                file.write(block)
            except OSError:
                return 4
    return 0


def open_everything() -> int:
    """Open the same file again and again, and say in the exit status how often that went well."""
    for count in range(1000):
        try:
            os.dup(0)
        except OSError:
            return count
    return 0


def crash() -> int:
    """End as a broken decoder does."""
    os.abort()


def look_around(port: str) -> int:
    """Write down what can be seen and reached from inside."""
    seen = [f"environment={sorted(os.environ)}", f"root={sorted(map(str, Path('/').iterdir()))}"]
    try:
        with socket.socket() as reached:
            reached.settimeout(5)
            reached.connect(("127.0.0.1", int(port)))
        seen.append("network")
    except OSError as error:
        seen.append(type(error).__name__)
    Path("seen").write_text("\n".join(seen))
    return 0
