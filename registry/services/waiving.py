"""Waivers: a moderator's reasoned decision that a *check* file may be served."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import ModerationAct, User
from registry.models import Blob, ModelFile, Waiver
from registry.models.files import Verdict
from registry.services.guards import require_moderator
from registry.services.wording import clean_reason

_COUNTED: Final = frozenset({Verdict.CHECK, Verdict.BLOCKED})


@transaction.atomic
def grant_waiver(file: ModelFile, reason: str, *, by: User) -> Waiver:
    """Let a *check* file through, as it is today: the waiver names its findings, and a new one voids it.

    Granting twice changes nothing. Raises NotAllowed, InvalidInput without a reason, and Conflict for a file whose
    verdict is another: *safe* needs none and nothing else may have one.
    """
    require_moderator(by)
    reason = clean_reason(reason)
    file = ModelFile.objects.select_for_update(of=("self",)).select_related("blob").get(pk=file.pk)
    if file.verdict != Verdict.CHECK or file.blob is None:
        raise Conflict(_("Only a file with the verdict “check” can be let through."), code="not_check")
    standing = file.waivers.filter(voided_at__isnull=True).first()
    if standing is not None:
        return standing
    waiver = Waiver.objects.create(file=file, granted_by=by, reason=reason, findings=findings_of(file.blob))
    _note_act(file, "file.waive", reason, by, waiver.findings)
    return waiver


@transaction.atomic
def withdraw_waiver(file: ModelFile, reason: str, *, by: User) -> None:
    """Serve the file no longer. Raises NotAllowed, and InvalidInput without a reason."""
    require_moderator(by)
    reason = clean_reason(reason)
    if file.waivers.filter(voided_at__isnull=True).update(voided_at=timezone.now()):
        _note_act(file, "file.waiver_withdrawn", reason, by, [])


def findings_of(blob: Blob) -> list[list[str]]:
    """What a waiver is about: the grave findings, without the places at which they stand."""
    rows = blob.findings.filter(level__in=_COUNTED).values_list("rule", "subject", "message")
    return sorted([rule, subject or message] for rule, subject, message in set(rows))


def void_waivers(blob: Blob) -> int:
    """Void waivers of this blob's files whose findings are no longer all there is. Answers how many."""
    present = {tuple(finding) for finding in findings_of(blob)}
    voided = 0
    for waiver in Waiver.objects.filter(file__blob=blob, voided_at__isnull=True):
        if blob.verdict == Verdict.BLOCKED or not present <= {tuple(finding) for finding in waiver.findings}:
            voided += Waiver.objects.filter(pk=waiver.pk, voided_at__isnull=True).update(voided_at=timezone.now())
    return voided


def _note_act(file: ModelFile, act: str, reason: str, by: User, findings: list[list[str]]) -> None:
    ModerationAct.objects.create(
        actor=by,
        act=act,
        target=f"file:{file.pk}",
        title=file.name,
        reason=reason,
        evidence={"sha256": file.blob_id, "findings": findings},
    )
