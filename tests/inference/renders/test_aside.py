"""The thread beside a worker's own does what it is given in order, and tells of what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from inference.services.aside import Aside


def fail() -> None:
    raise OSError("no room")


def hand_over(*acts: Callable[[], None]) -> None:
    with Aside() as aside:
        for act in acts:
            aside.do(act)


def test_what_is_handed_over_is_done_in_order_by_the_end_of_the_block():
    done: list[str] = []
    go = threading.Event()

    def first() -> None:
        assert go.wait(10)
        done.append("first")

    with Aside() as aside:
        aside.do(first)
        assert done == []
        go.set()
        aside.do(lambda: done.append("second"))

    assert done == ["first", "second"]


def test_a_fault_is_raised_to_whoever_hands_over_the_next_thing_which_is_done():
    done: list[str] = []

    with pytest.raises(OSError, match="no room"):
        hand_over(fail, lambda: done.append("second"))

    assert done == ["second"]


def test_a_fault_of_the_last_thing_is_raised_at_the_end_of_the_block():
    with pytest.raises(OSError, match="no room"):
        hand_over(fail)
