"""From finished pixels to results: picture, receipt and the render's end, in one transaction under its claim."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from inference.models import Receipt, RenderJob, RenderResult
from inference.prompts.plan import RenderPlan, read_plan
from inference.prompts.receipt import canonical, make_receipt
from inference.services.comparing import compare_again
from inference.services.endings import RenderLost, tell_ended
from inference.services.engines import Image, Rendering
from inference.services.pngs import write_png
from registry.services.keeping import keep_png


@transaction.atomic
def finish_render(job: RenderJob, rendered: Rendering, *, steps: int) -> None:
    """Write down what a claimed render came to in so many steps: one picture and one receipt for each image.

    Raises RenderLost where the claim is, and then nothing of the attempt is kept. Raises what `keep_png` raises.
    """
    if job.mine().select_for_update().first() is None:
        raise RenderLost
    plan = read_plan(job.plan)
    if job.kind == RenderJob.Kind.VERIFY:
        compare_again(job, rendered)
    else:
        for image in rendered.images:
            _keep_result(job, plan, image, rendered)
    now = timezone.now()
    job.mine().update(
        state=RenderJob.State.DONE,
        attempt=None,
        lease_until=None,
        not_before=None,
        finished_at=now,
        error={},
        step=steps,
        steps=steps,
    )
    job.state, job.attempt, job.finished_at = RenderJob.State.DONE, None, now
    tell_ended(job)


def _keep_result(job: RenderJob, plan: RenderPlan, image: Image, rendered: Rendering) -> None:
    receipt = make_receipt(
        plan,
        seed=image.seed,
        index=image.index,
        environment=rendered.environment,
        image=image.image_hash,
        notes=tuple(rendered.notes),
    )
    picture = keep_png(write_png(image.pixels, plan, image.seed, receipt), f"render-{image.index}.png")
    result = RenderResult.objects.create(job=job, index=image.index, seed=image.seed, picture=picture)
    Receipt.objects.create(result=result, body=canonical(receipt), image_hash=image.image_hash)
