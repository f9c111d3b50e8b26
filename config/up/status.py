"""What is shown while a site runs: one line a part, rewritten in place, or plain lines where there is no terminal."""

import os
import shutil
import sys
from typing import TextIO

_COLORS = {"ready": "32", "starting": "33", "stopping": "33", "working": "33", "ended": "31"}


class Status:
    """States of the parts. Each change is shown once."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._color = self._live and not os.environ.get("NO_COLOR")
        self._states: dict[str, tuple[str, str]] = {}
        self._drawn = 0

    def set(self, part: str, state: str, note: str = "") -> None:
        """`state` is one word, `note` what else there is to know."""
        if self._states.get(part) == (state, note):
            return
        self._states[part] = (state, note)
        if self._live:
            self._draw()
        else:
            self._write(f"{part}: {state}{_after(note)}\n")

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        self._write(text + "\n")
        self._draw()

    def clear(self) -> None:
        """Take the live lines away, for a question or for the last words."""
        if self._drawn:
            self._write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        if not self._live:
            return
        self.clear()
        width = shutil.get_terminal_size().columns
        lines = [self._line(part, *state, width) for part, state in self._states.items()]
        self._drawn = len(lines)
        self._write("".join(line + "\n" for line in lines))

    def _line(self, part: str, state: str, note: str, width: int) -> str:
        """One terminal line: a longer one would wrap, and the next redraw would miss a line."""
        padded = f"{state:<10}"
        if self._color and state in _COLORS:
            padded = padded.replace(state, f"\x1b[{_COLORS[state]}m{state}\x1b[0m")
        return f"  {part:<10}{padded}{note[: max(0, width - 23)]}"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal went away; the site goes on
            self._stream = open(os.devnull, "w")  # noqa: PTH123, SIM115 (kept for as long as this object)
            self._live = False


def _after(note: str) -> str:
    return f", {note}" if note else ""
