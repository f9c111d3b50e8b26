"""What people are told of renders: that one they waited for has ended, and that pictures of their models are there."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.urls import reverse

from community.models import Notice
from community.services.notifications import notify
from inference.models import RenderedPreview, RenderJob

# Whoever asked is still looking at the page before that.
_LONG: Final = timedelta(minutes=1)


def tell_of_render(job: RenderJob) -> None:
    """Tell the author of a new preview, and whoever had to wait for a render (`settings.RENDER_LISTENERS`)."""
    if job.state != RenderJob.State.DONE:
        return
    if job.kind == RenderJob.Kind.PREVIEW:
        _tell_of_preview(job)
    elif job.kind == RenderJob.Kind.INTERACTIVE and job.finished_at - job.created_at > _LONG:
        name = job.request.get("prompt", "")[:80] or "–"
        params = {"name": name, "address": reverse("inference:job", args=[job.pk])}
        notify(Notice.Kind.RENDER, to=[job.maker], subject=None, actor=None, params=params, event=f"render {job.pk}")


def _tell_of_preview(job: RenderJob) -> None:
    rows = RenderedPreview.objects.select_related("version__model__subject", "version__model__owner")
    row = rows.filter(job=job).first()
    if row is None:
        return
    model = row.version.model
    params = {"address": row.version.get_absolute_url()}
    notify(
        Notice.Kind.PREVIEW,
        to=[model.owner],
        subject=model.subject,
        actor=None,
        params=params,
        event=f"preview {job.pk}",
    )
