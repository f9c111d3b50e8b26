"""A thread beside the worker's own, for what it need not wait for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Self

from django.db import connection


class Aside:
    """Does what it is given, one thing after another; all of it is done when the block ends.

    Whoever hands over the next thing waits for the one before, so that no more than two renders are held in memory.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def do(self, act: Callable[[], None]) -> None:
        """Hand something over, which is done in any case. Raises what the thing before it raised."""
        last = self._last
        if last is not None:
            wait([last])
        self._last = self._thread.submit(act)
        if last is not None:
            last.result()

    def __exit__(self, *_: object) -> None:
        self._thread.submit(connection.close)  # the thread's own
        self._thread.shutdown()
        if self._last is not None:
            self._last.result()
