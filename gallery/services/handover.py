"""Messages to workers, for rooms that must not know each other. A lost message is no loss: beat finds the rows."""

from __future__ import annotations

from typing import Final

from celery import current_app
from django.db import transaction

READ_METADATA: Final = "gallery.read_metadata"
STRIP_ORIGINAL: Final = "gallery.strip_original"
PUBLISH_DUE: Final = "gallery.publish_due"


def queue_reading(picture_id: int) -> None:
    """Have a worker read a picture's metadata, once the transaction is through."""

    def send() -> None:  # a function: Django names it in its log when it fails
        current_app.send_task(READ_METADATA, [picture_id], queue="io", retry=False)

    transaction.on_commit(send, robust=True)


def queue_due_posts() -> None:
    """Have a worker publish what is due, once the transaction is through."""

    def send() -> None:
        current_app.send_task(PUBLISH_DUE, queue="io", retry=False)

    transaction.on_commit(send, robust=True)


def queue_stripping(picture_id: int, kind: str) -> None:
    """Have a worker make an original without metadata, once the transaction is through."""

    def send() -> None:
        current_app.send_task(STRIP_ORIGINAL, [picture_id, kind], queue="io", retry=False)

    transaction.on_commit(send, robust=True)
