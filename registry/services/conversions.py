"""Pickles that shall become `.safetensors`: which may, who asks, and the message. Loads nothing that converts."""

from __future__ import annotations

from typing import Final

from celery import current_app
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import User
from registry.models import Blob, Conversion, ModelFile
from registry.models.files import Verdict
from registry.policies import can_convert

CONVERT_BLOB: Final = "registry.convert_blob"
# Layouts of torch.save that the kernel reads, in the scanner's words.
CONVERTIBLE: Final = frozenset({"torch-zip", "torch-legacy"})


def may_become(blob: Blob | None, kind: str) -> bool:
    """Whether a conversion of this kind makes sense: a safe pickle with tensors; pruned, a whole checkpoint."""
    if blob is None or blob.verdict != Verdict.SAFE or blob.format not in CONVERTIBLE or not blob.facts.get("tensors"):
        return False
    recognition = blob.facts.get("recognition") or {}
    return kind != Conversion.Kind.PRUNED_FP16 or recognition.get("model_type") == "checkpoint"


def offer_conversion(blob: Blob) -> None:
    """Have a file's pickle converted as it is, once it is judged safe. Call it whenever a blob or a file has come."""
    full = Conversion.Kind.FULL
    if not may_become(blob, full) or not ModelFile.objects.filter(blob=blob).exists():
        return
    conversion, is_new = Conversion.objects.get_or_create(source=blob, kind=full)
    if is_new:
        queue_conversion(conversion.pk)


@transaction.atomic
def request_conversion(file: ModelFile, kind: str, *, by: User) -> Conversion:
    """Ask for a conversion; one that failed is tried again, and one that is there or under way stays as it is.

    Raises NotAllowed, and Conflict for a file that is not judged safe or cannot become this.
    """
    if not can_convert(by, file):
        raise NotAllowed(_("Only the owner of this model may do this."))
    blob = file.blob
    if blob is None or not may_become(blob, kind):
        raise Conflict(_why_not(blob, kind), code="not_convertible", field="kind")
    conversion, is_new = Conversion.objects.select_for_update().get_or_create(source=blob, kind=kind)
    if conversion.state == Conversion.State.FAILED:
        conversion.state, conversion.error, conversion.tries = Conversion.State.WAITING, {}, 0
        conversion.queued_at, conversion.finished_at = timezone.now(), None
        conversion.save(update_fields=["state", "error", "tries", "queued_at", "finished_at"])
        is_new = True
    if is_new:
        queue_conversion(conversion.pk)
    return conversion


def _why_not(blob: Blob | None, kind: str) -> str:
    if blob is None or blob.verdict != Verdict.SAFE:
        return _("Only files that are judged safe are converted.")
    if blob.format not in CONVERTIBLE or not blob.facts.get("tensors"):
        return _("Only pickles that torch.save wrote, and that hold tensors, are converted.")
    return _("Only whole checkpoints can be pruned.")


def queue_conversion(conversion_id: int) -> None:
    """Tell a worker, once the transaction is through. A lost message is no loss: the sweep finds the row."""

    def send() -> None:
        current_app.send_task(CONVERT_BLOB, [conversion_id], queue="io", retry=False)

    transaction.on_commit(send, robust=True)
