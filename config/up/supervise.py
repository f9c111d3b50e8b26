"""Keeps the parts running until it is told to stop."""

import signal
import time
from collections.abc import Callable
from types import FrameType

from config.up.errors import CannotStart
from config.up.folder import is_full_disk, trim_logs
from config.up.parts import Part
from config.up.site import Site
from config.up.status import Status

_TICK_SECONDS = 0.1
_ASK_EVERY_SECONDS = 0.2
_TRIM_EVERY_SECONDS = 60.0
_SAME_WISH_SECONDS = 2.0


class StopAsked(Exception):
    """Somebody sent a signal that means stop."""


class Supervisor:
    """Starts parts, watches them, restarts those that end, stops them in reverse order."""

    def __init__(self, site: Site, status: Status) -> None:
        self.site = site
        self.status = status
        self._parts: list[Part] = []
        self._first_signal: float | None = None
        self._hurry = False
        self._asking = False
        self._next_question: dict[str, float] = {}
        self._next_trim = 0.0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves it
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one stops in order, a later one at once. One stop often comes twice, to the group and through
        `make` or a service manager, so that only what comes after a while is a second wish."""
        now = time.monotonic()
        if self._first_signal is None:
            self._first_signal = now
        elif now - self._first_signal > _SAME_WISH_SECONDS:
            self._hurry = True
        if self._asking:
            raise StopAsked

    def asking(self, question: Callable[[], str]) -> str:
        """Put a question to the person, so that Ctrl-C ends it."""
        self.status.clear()
        self._asking = True
        try:
            return question()
        finally:
            self._asking = False

    def start(self, parts: list[Part]) -> None:
        for part in parts:
            self._parts.append(part)
            self._begin(part)

    def until(self, done: Callable[[], bool]) -> None:
        """Watch the parts until `done`. Raises StopAsked, and CannotStart when a part keeps ending."""
        while not done():
            self.tick()

    def all_ready(self) -> bool:
        return all(part.ready for part in self._parts)

    def tick(self) -> None:
        if self._first_signal is not None:
            raise StopAsked
        for part in self._parts:
            self._look_at(part)
        if time.monotonic() > self._next_trim:
            self._next_trim = time.monotonic() + _TRIM_EVERY_SECONDS
            trim_logs(self.site.data)
        time.sleep(_TICK_SECONDS)

    def _look_at(self, part: Part) -> None:
        if part.process is None:
            if time.monotonic() >= part.start_at:
                self._begin(part)
        elif not part.running():
            self._after_end(part)
        elif not part.ready and time.monotonic() >= self._next_question.get(part.name, 0.0):
            part.ready = part.is_ready()
            self._next_question[part.name] = time.monotonic() + _ASK_EVERY_SECONDS
            if part.ready:
                self.status.set(part.name, "ready")

    def _begin(self, part: Part) -> None:
        self.status.set(part.name, "starting")
        try:
            part.begin()
        except OSError as error:
            if is_full_disk(error):
                raise CannotStart(f"The disk of {self.site.data} is full.") from error
            raise CannotStart(f"{part.name} could not be started: {error}") from error

    def _after_end(self, part: Part) -> None:
        how = _how_it_ended(part.process.returncode)
        delay = part.note_end()
        for line in part.last_words():
            self.status.say(f"  {part.name} | {line}")
        if part.is_hopeless():
            raise CannotStart(f"{part.name} ended five times within a minute, the last time {how}; see {part.log}.")
        self.status.set(part.name, "ended", f"{how}, starts again in {delay:.1f} s")

    def stop(self) -> None:
        """Stop in reverse order; the processes of ours side by side, the servers under them one by one."""
        servers = {part.name for part in self._parts if part.name in ("postgres", "valkey")}
        ours = [part for part in self._parts if part.name not in servers]
        for part in reversed(ours):
            self.status.set(part.name, "stopping")
            if part.running():
                part.process.send_signal(part.stop_signals[0])
        for part in [*reversed(ours), *reversed([part for part in self._parts if part.name in servers])]:
            self.status.set(part.name, "stopping")
            part.end(hurry=lambda: self._hurry)
            self.status.set(part.name, "stopped")


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
