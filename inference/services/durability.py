"""Writes that a power cut may take back: they are done again, or matter to nobody by then."""

from __future__ import annotations

from django.db import connection


def need_not_last() -> None:
    """Let this transaction end without waiting for the disk. Call it within one.

    A claim that is lost is a render that waits again, a step that is lost is written with the next one; what a render
    came to is never among these. PostgreSQL's documentation on `synchronous_commit` says what may be lost: the last
    moments, in order, and nothing torn.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO OFF")
