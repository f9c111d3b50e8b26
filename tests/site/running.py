"""A whole site, started as a person starts it, and looked at from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests import cluster

ROOT = Path(__file__).resolve().parent.parent.parent
# Words of a part's command line that no other part has.
MARKS = {
    "postgres": "bin/postgres",
    "valkey": "valkey-server",
    "web": "gunicorn",
    "io": "io@%h",
    "render": "render@%h",
    "beat": "config.pulse:PulsingScheduler",
}
PARTS = tuple(MARKS)
# Loading the engine takes many seconds of a processor. A site that shall render says so in its environment.
NO_ENGINE = {"RENDER_ENGINE": "tests.site.no_engine"}
WITH_ENGINE = {"RENDER_ENGINE": "inference.services.device"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing: what the tests set for themselves is not for a site."""
    ours = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SAFELIGHT_DATA", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, **more}


def eventually(check: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true answer of `check`."""
    limit = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < limit, f"after {seconds:.0f} s still not: {what}"
        time.sleep(0.1)  # other processes, seen from outside, give no sign to wait for
    return answer


class RunningSite:
    """`manage.py up` on a folder and a free port.

    A new folder holds a database with every table, as a start that was stopped early leaves it: that spares half of
    the work of a start. With `first` there is nothing in its place yet.
    """

    def __init__(
        self, data: Path, *arguments: str, first: bool = False, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self.first = first
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.arguments = arguments
        self.environment = clean_environment(**{**NO_ENGINE, **(environment or {})})
        self.process: subprocess.Popen[str] | None = None
        self.output = data.with_name(f"{data.name}.out")

    def start(self) -> "RunningSite":
        if not self.first and not self.data.exists():
            self.data.mkdir(mode=0o700)
            cluster.copy_to(self.data)
        command = [
            sys.executable, "manage.py", "up", "--data", str(self.data), "--bind", f"127.0.0.1:{self.port}",
            *self.arguments,
        ]  # fmt: skip
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                text=True, start_new_session=True,
            )  # fmt: skip
        return self

    def ready(self, seconds: float = 90.0) -> "RunningSite":
        eventually(self._healthy_or_ended, "healthz says ready", seconds)
        assert self.process.poll() is None, self.output.read_text()
        return self

    def _healthy_or_ended(self) -> bool:
        return self.health()[0] == 200 or self.process.poll() is not None

    def health(self) -> tuple[int, dict[str, str]]:
        """Status and states of `/healthz`; 0 when nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:  # noqa: S310 (our own address)
                return answer.status, json.load(answer)["parts"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["parts"] if error.code == 503 else {}
        except OSError:
            return 0, {}

    def headers(self, path: str) -> Mapping[str, str]:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310 (our own address)
            return dict(answer.headers)

    def manage(self, *arguments: str) -> str:
        """Run another command on the same data folder."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, text=True, capture_output=True,
            env={**self.environment, "SAFELIGHT_DATA": str(self.data)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pid(self, part: str) -> int:
        """The process of a part: a child of `up`."""
        found = [pid for pid in children(self.process.pid) if MARKS[part] in command_line(pid)]
        assert len(found) == 1, f"{part}: {found}"
        return found[0]

    def everything(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self, number: int = signal.SIGTERM, *, group: bool = False) -> float:
        """Ask to stop; the answer is how many seconds that took."""
        asked = time.monotonic()
        if self.process is None:
            return 0.0
        if self.process.poll() is None:
            (os.killpg if group else os.kill)(self.process.pid, number)
        self.process.wait(60)
        return time.monotonic() - asked

    def kill_everything(self) -> None:
        """As a power cut would: no process is asked."""
        pids = self.everything()
        for pid in pids:
            kill(pid)
        self.process.wait(20)
        eventually(lambda: not any(map(is_alive, pids)), "all processes are gone", 20)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended with its parent


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        return ""


def children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return found


def descendants(parent: int) -> list[int]:
    below = children(parent)
    return below + [pid for child in below for pid in descendants(child)]
