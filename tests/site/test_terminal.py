"""`manage.py up` on a terminal: the first run asks who owns the site."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import locations
from tests.site.running import ROOT, clean_environment, free_port

pytestmark = pytest.mark.site


class Terminal:
    """A person's end of a terminal in which `up` runs."""

    def __init__(self, data: Path) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "manage.py", "up", "--data", str(data), "--bind", f"127.0.0.1:{free_port()}"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(TERM="xterm"), stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def expect(self, text: str, seconds: float = 60.0) -> None:
        """Read until `text` has been shown; what came before it is forgotten."""
        limit = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < limit, self.seen
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self._ours, 65536).decode(errors="replace")
                except OSError as error:
                    raise AssertionError(self.seen) from error
        self.seen = self.seen.partition(text)[2]

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    os.read(self._ours, 65536)
                except OSError:
                    break  # the other end is closed
        self.process.wait(30)
        os.close(self._ours)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    running = Terminal(tmp_path / "site")
    yield running
    running.stop()


def test_the_first_run_makes_the_owner_it_is_told(terminal, tmp_path):
    terminal.expect("no owner yet")
    terminal.expect("Owner's name: ")
    terminal.type("-bad-")
    terminal.expect("Password: ")
    terminal.type("a long enough phrase")
    terminal.expect("Password again: ")
    terminal.type("a long enough phrase")
    terminal.expect("Use 1 to 96 letters")
    terminal.expect("Owner's name: ")
    terminal.type("admin")
    terminal.expect("Password: ")
    terminal.type("a long enough phrase")
    terminal.expect("Password again: ")
    terminal.type("a long enough phrase")
    terminal.expect("Owner admin created.")
    terminal.expect("Safelight is ready at http://127.0.0.1:")

    with psycopg.connect(locations.database_url(tmp_path / "site")) as connection:
        assert connection.execute("SELECT username, role FROM community_user").fetchall() == [("admin", "operator")]


def test_ctrl_c_ends_the_question_and_the_start(terminal):
    terminal.expect("Owner's name: ")

    terminal.process.send_signal(signal.SIGINT)

    terminal.process.wait(30)
    assert terminal.process.returncode == 0
