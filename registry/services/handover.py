"""Where an upload goes over to its inspection: the message, and the end. Loads nothing of the scanner."""

from __future__ import annotations

import uuid
from typing import Final

from celery import current_app
from django.db import transaction
from django.utils import timezone

from registry.models import Inspection, Upload

INSPECT_UPLOAD: Final = "registry.inspect_upload"


def queue_inspection(upload_id: uuid.UUID) -> None:
    """Tell a worker, once the transaction is through. A lost message is no loss: the sweep finds the row."""

    def send() -> None:
        current_app.send_task(INSPECT_UPLOAD, [str(upload_id)], queue="io", retry=False)

    transaction.on_commit(send, robust=True)


def end_upload(upload: Upload, state: Upload.State, error: dict[str, str] | None = None) -> None:
    """Write down that an upload came to nothing. Whoever inspects it meanwhile loses the claim. Removes no bytes."""
    Inspection.objects.filter(upload=upload).exclude(state=Inspection.State.DONE).update(
        state=Inspection.State.FAILED, attempt=None, finished_at=timezone.now()
    )
    upload.state, upload.error = state, error or {}
    upload.save(update_fields=["state", "error"])
