"""A receipt put to the test: the same plan is rendered again, and the pictures are compared."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import User
from inference.models import Receipt, RenderInput, RenderJob, RenderResult, Verification
from inference.prompts.plan import RenderPlan, read_plan
from inference.services.submitting import queue_plan, refuse_over_quota
from registry.models import Blob
from registry.models.files import Verdict


@transaction.atomic
def verify_receipt(result: RenderResult, *, by: User | None) -> Verification:
    """Queue the rendering that tells whether a receipt holds; its row says the outcome once that is done.

    A test that is still under way is answered with instead of another. `by` is who asked; None is the operator at a
    terminal. Whether they may see the result is asked beforehand. Raises NotAllowed for somebody without a name,
    Conflict where a file of the receipt is gone, and QuotaExceeded: it counts as a render of theirs.
    """
    if by is not None and not by.is_authenticated:
        raise NotAllowed(_("Sign in to have a receipt tested."))
    receipt = Receipt.objects.select_for_update().get(pk=result.pk)
    running = receipt.verifications.filter(outcome=Verification.Outcome.PENDING).first()
    if running is not None:
        return running
    first = result.job
    plan = read_plan(first.plan)
    _refuse_gone(plan)
    if by is not None:
        refuse_over_quota(by, plan.request.batch_count, kind=RenderJob.Kind.VERIFY)
    turn = by.pk if by is not None else 0
    job = queue_plan(plan, asked=plan.request, kind=RenderJob.Kind.VERIFY, maker=by, turn=turn)
    RenderInput.objects.bulk_create(
        [RenderInput(job=job, picture_id=row.picture_id) for row in first.inputs.all()], ignore_conflicts=True
    )
    return Verification.objects.create(receipt=receipt, job=job, asked_by=by)


def _refuse_gone(plan: RenderPlan) -> None:
    wanted = {item.sha256: item.name for item in plan.ingredients}
    safe = set(Blob.objects.filter(pk__in=wanted, verdict=Verdict.SAFE).values_list("pk", flat=True))
    for sha256, name in wanted.items():
        if sha256 not in safe:
            raise Conflict(_("The file “%(name)s” is no longer here.") % {"name": name}, code="file_gone")


def verification_ended(job: RenderJob) -> None:
    """A rendering for a test has ended. Part of its transaction; what finished has been compared already."""
    if job.kind == RenderJob.Kind.VERIFY and job.state != RenderJob.State.DONE:
        pending = Verification.objects.filter(job=job, outcome=Verification.Outcome.PENDING)
        pending.update(outcome=Verification.Outcome.FAILED)
