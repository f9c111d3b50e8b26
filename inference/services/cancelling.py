"""Renders called off: at once while they wait, between two steps while they run."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import User
from inference.models import RenderJob
from inference.services.endings import end_render


@transaction.atomic
def cancel_render(job: RenderJob, *, by: User) -> RenderJob:
    """Call a render off. Doing it twice is harmless. Raises NotAllowed, and Conflict for one that has ended.

    A running one ends between two of its steps; until then its state stays “running”.
    """
    job = RenderJob.objects.select_for_update().get(pk=job.pk)
    if job.maker_id != by.pk and not by.is_moderator:
        raise NotAllowed(_("This render is not yours."))
    if job.state in (RenderJob.State.DONE, RenderJob.State.FAILED):
        raise Conflict(_("This render has ended already."), code="ended")
    if job.state == RenderJob.State.QUEUED:
        end_render(job, RenderJob.State.CANCELLED)
    elif job.state == RenderJob.State.RUNNING and job.cancel_asked_at is None:
        job.cancel_asked_at = timezone.now()
        job.save(update_fields=["cancel_asked_at"])
    return job
