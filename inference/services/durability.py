"""Writes that a power cut may take back: they are done again, or matter to nobody by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def need_not_last() -> Iterator[None]:
    """Let this thread's transactions end without waiting for the disk, and give its connection up afterwards.

    A claim that is lost is a render that waits again, a step that is lost is written with the next one, and a failure
    or a cancelling that is lost comes about once more when the lease is over. Pictures and receipts are never among
    these: they are stored from another thread, whose connection waits. PostgreSQL's documentation on
    `synchronous_commit` says what may be lost: the last moments, in order, and nothing torn.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO OFF")
    try:
        yield
    finally:
        connection.close()
