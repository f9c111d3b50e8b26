"""One supervised process: started, found ready, restarted with a growing delay when it ends, stopped."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ENDS_ALLOWED = 5
WITHIN_SECONDS = 60.0
_FIRST_DELAY = 0.5
_TAIL_LINES = 5


@dataclass
class Part:
    """`start` begins the process, `is_ready` asks it, `stop_signals` are sent one after another when it must end."""

    name: str
    log: Path
    start: Callable[[], subprocess.Popen[bytes]]
    is_ready: Callable[[], bool]
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    patience: float = 12.0
    on_end: Callable[[], None] = lambda: None
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=ENDS_ALLOWED))
    start_at: float = 0.0
    _log_from: int = 0

    def begin(self) -> None:
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        self.process = self.start()

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def note_end(self) -> float:
        """Remember an end; the answer is the delay before the next start."""
        now = time.monotonic()
        self._kill_session()
        self.process = None
        self.ready = False
        self.on_end()
        self.ends.append(now)
        recent = sum(now - end < WITHIN_SECONDS for end in self.ends)
        delay = _FIRST_DELAY * 2 ** (recent - 1)
        self.start_at = now + delay
        return delay

    def is_hopeless(self) -> bool:
        """Whether it ended five times within a minute."""
        return len(self.ends) == ENDS_ALLOWED and self.ends[-1] - self.ends[0] < WITHIN_SECONDS

    def last_words(self) -> list[str]:
        """The end of what it wrote since its last start."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as stream:
            stream.seek(max(self._log_from, self.log.stat().st_size - 4096))
            lines = stream.read().decode(errors="replace").splitlines()
        return [line.rstrip() for line in lines if line.strip()][-_TAIL_LINES:]

    def end(self, *, hurry: Callable[[], bool]) -> None:
        """Ask with each of the signals in turn, then kill what is left of its session."""
        if self.process is None:
            return
        share = self.patience / len(self.stop_signals)
        for number in self.stop_signals:
            if not hurry() and self.running():
                self.process.send_signal(number)
                self._wait(share, hurry)
        self._kill_session()
        self.process.wait()
        self.process = None
        self.ready = False

    def _wait(self, seconds: float, hurry: Callable[[], bool]) -> None:
        limit = time.monotonic() + seconds
        while self.running() and time.monotonic() < limit and not hurry():
            time.sleep(0.05)

    def _kill_session(self) -> None:
        """The child leads a session and a group of its own: whatever it left behind is in the group."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nothing is left
