"""Rows of renders, as the services would have left them."""

from __future__ import annotations

from django.utils import timezone

from community.models import User
from inference.models import Receipt, RenderJob, RenderResult
from tests.factories import PictureFactory


def queued_render(maker: User | None, **values) -> RenderJob:
    """A render that waits. Its plan names nothing that is there."""
    return RenderJob.objects.create(maker=maker, request={}, plan={}, checkpoint_sha="0" * 64, **values)


def finished_render(maker: User | None, **values) -> RenderResult:
    """The one result of a render that is done, with a receipt."""
    job = queued_render(maker, state=RenderJob.State.DONE, finished_at=timezone.now(), **values)
    result = RenderResult.objects.create(job=job, index=0, seed=1, picture=PictureFactory())
    Receipt.objects.create(result=result, body='{"index":0}', image_hash="0" * 64)
    return result
