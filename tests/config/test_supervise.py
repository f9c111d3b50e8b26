"""The supervisor with small real processes in place of servers."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.up import parts
from config.up.errors import CannotStart
from config.up.parts import Part
from config.up.spawn import spawn
from config.up.status import Status
from config.up.supervise import StopAsked, Supervisor


@pytest.fixture
def supervisor(tmp_path: Path):
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    (tmp_path / "log").mkdir()
    with (tmp_path / "shown").open("w+") as shown:
        made = Supervisor(SimpleNamespace(data=tmp_path), Status(shown))
        made.shown = lambda: (tmp_path / "shown").read_text()
        yield made
        made.stop()
    for number, handler in before.items():
        signal.signal(number, handler)


def part(tmp_path: Path, program: str, *, name: str = "part", is_ready=lambda: True, **more) -> Part:
    log = tmp_path / "log" / f"{name}.log"
    return Part(name, log, lambda: spawn([sys.executable, "-c", program], log=log), is_ready, **more)


def test_a_part_that_keeps_ending_is_given_up_after_five_times(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_FIRST_DELAY", 0.01)
    supervisor.start([part(tmp_path, "print('no such disk'); raise SystemExit(3)", is_ready=lambda: False)])

    with pytest.raises(CannotStart, match="part ended five times within a minute, the last time with exit code 3"):
        supervisor.until(lambda: False)

    assert supervisor.shown().count("part | no such disk") == 5


def test_the_delay_before_a_restart_grows(tmp_path):
    ending = part(tmp_path, "pass")
    (tmp_path / "log").mkdir()
    delays = []
    for _ in range(4):
        ending.begin()
        ending.process.wait()
        delays.append(ending.note_end())

    assert delays == [0.5, 1.0, 2.0, 4.0]


def test_a_signal_stops_the_watch_and_the_parts(supervisor, tmp_path):
    sleeper = part(tmp_path, "import time; time.sleep(60)")
    supervisor.start([sleeper])
    supervisor.until(supervisor.all_ready)
    pid = sleeper.process.pid

    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopAsked):
        supervisor.tick()
    supervisor.stop()

    assert not Path(f"/proc/{pid}").exists()
    assert supervisor.shown().splitlines()[-2:] == ["part: stopping", "part: stopped"]


def test_a_part_that_ignores_every_signal_is_killed_with_all_it_started(supervisor, tmp_path):
    program = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
    stubborn = part(tmp_path, program, patience=0.3, is_ready=lambda: bool(stubborn.last_words()))
    supervisor.start([stubborn])
    supervisor.until(supervisor.all_ready)
    grandchild = int(stubborn.last_words()[0])

    supervisor.stop()

    assert _is_gone(grandchild)


def _is_gone(pid: int) -> bool:
    """Gone, or dead and waiting for whoever adopted it."""
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
    return False


def test_a_child_ends_with_the_process_that_started_it(tmp_path):
    program = f"""
import sys, time
from pathlib import Path
from config.up.spawn import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(60)"], log=Path({str(tmp_path / "log")!r}))
print(child.pid, flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(starter.stdout.readline())

    starter.kill()
    starter.wait()
    starter.stdout.close()

    assert _is_gone(child)


def _shown_on_a_terminal(use) -> str:
    """All that `use(status)` writes to a terminal."""
    ours, theirs = pty.openpty()
    seen = ""
    with os.fdopen(theirs, "w") as terminal:
        use(Status(terminal))
        terminal.write("END")
        terminal.flush()
        while not seen.endswith("END"):
            seen += os.read(ours, 65536).decode()
    os.close(ours)
    return seen.removesuffix("END")


def test_on_a_terminal_each_part_keeps_one_line_that_is_rewritten(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def use(status: Status) -> None:
        status.set("postgres", "starting")
        status.set("valkey", "starting")
        status.set("postgres", "ready")
        status.say("Safelight is ready at http://127.0.0.1:8000/")

    seen = _shown_on_a_terminal(use)

    last = seen.rpartition("\x1b[J")[2]
    assert seen.count("\x1b[1A\x1b[J") == 1
    assert seen.count("\x1b[2A\x1b[J") == 2
    assert [line.split()[0] for line in last.splitlines()] == ["Safelight", "postgres", "valkey"]
    assert "\x1b[32mready\x1b[0m" in last


def test_a_long_line_is_cut_to_the_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")

    seen = _shown_on_a_terminal(lambda status: status.set("web", "ended", "by SIGKILL, starts again in 0.5 s"))

    assert len(seen.strip("\r\n")) == 29
