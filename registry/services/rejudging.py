"""New rules judge what is stored: from the evidence where it is whole, from the bytes where it was cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from community.models import Notice
from community.services.notifications import notify
from registry.models import Blob, Finding, ModelFile, ModelVersion
from registry.models.files import Verdict
from registry.pickles.evidence import Evidence
from registry.pickles.judging import judge
from registry.pickles.rules import current_rules
from registry.pickles.scan import scan
from registry.services.conversions import offer_conversion
from registry.services.examining import storable
from registry.services.listing import refresh_listing
from registry.services.opinions import settled_verdict
from registry.services.waiving import void_waivers
from registry.storage import blob_store


def outdated_blobs() -> QuerySet[Blob]:
    """Blobs that were judged by other rules than today's."""
    return Blob.objects.exclude(verdict=Verdict.PENDING).exclude(rules_version=current_rules().version)


def rejudge_blobs(blobs: QuerySet[Blob]) -> Iterator[tuple[str, str, str]]:
    """Judge each again; yields its SHA-256 with the verdict before and after."""
    for sha256 in list(blobs.values_list("pk", flat=True)):
        blob = Blob.objects.get(pk=sha256)
        before = blob.verdict
        after = rejudge_blob(blob)
        yield sha256, before, after


def rejudge_blob(blob: Blob, *, from_bytes: bool = False) -> str:
    """Judge one blob by today's rules. What was published and is now blocked is served no more, and its owner is told.

    Reads the bytes only where the evidence was cut, or when asked to. Answers the new verdict.
    """
    if from_bytes or blob.evidence_cut or not blob.rules_version:
        with blob_store().open(blob.key) as stream:
            report = scan(stream, blob.size)
        evidence, cut = [storable(piece.as_dict()) for piece in report.evidence], report.evidence_cut
        verdict, findings, version = str(report.verdict), report.findings, report.rules_version
    else:
        judgement = judge(Evidence.from_dict(piece) for piece in blob.evidence)
        evidence, cut = blob.evidence, blob.evidence_cut
        verdict, findings, version = str(judgement.verdict), judgement.findings, judgement.rules_version
    rows = [storable(finding.as_dict()) for finding in findings]
    return _take(blob.pk, verdict, rows, version, evidence, cut)


@transaction.atomic
def _take(sha256: str, verdict: str, findings: list[Any], version: str, evidence: list[Any], cut: bool) -> str:
    blob = Blob.objects.select_for_update().get(pk=sha256)
    before = blob.verdict
    blob.verdict = settled_verdict(verdict, blob.opinions.all())
    blob.rules_version, blob.evidence, blob.evidence_cut = version, evidence, cut
    blob.inspected_at = timezone.now()
    blob.save(update_fields=["verdict", "rules_version", "evidence", "evidence_cut", "inspected_at"])
    blob.findings.all().delete()
    Finding.objects.bulk_create([Finding(blob=blob, **finding) for finding in findings])
    void_waivers(blob)
    offer_conversion(blob)
    if blob.verdict != before:
        _refresh_models(blob)
        if blob.verdict == Verdict.BLOCKED:
            _notify_owners(blob, version)
            transaction.on_commit(lambda: tell_owners(blob))
    return blob.verdict


def _refresh_models(blob: Blob) -> None:
    """Lists and cards show a verdict; the row they read is written with the blob's."""
    for version in ModelVersion.objects.filter(files__blob=blob).select_related("model").distinct():
        refresh_listing(version.model)


def _notify_owners(blob: Blob, rules: str) -> None:
    """A notice for the owner of each published file that is blocked by these rules, once."""
    for file in _published_files(blob):
        model = file.version.model
        notify(
            Notice.Kind.FILE_BLOCKED,
            to=[model.owner],
            subject=model.subject,
            actor=None,
            params={"name": file.name, "address": f"/files/{file.pk}/report"},
            event=f"blocked:{file.pk}:{rules}",
            gather=str(file.pk),
        )


def _published_files(blob: Blob) -> QuerySet[ModelFile]:
    files = ModelFile.objects.filter(blob=blob, version__state=ModelVersion.State.PUBLISHED)
    return files.select_related("version__model__owner", "version__model__subject")


def tell_owners(blob: Blob) -> None:
    """Write to the owner of each published file that has just been blocked. Their pages show it too."""
    for file in _published_files(blob):
        owner = file.version.model.owner
        if not owner.email:
            continue
        with override(owner.language or settings.LANGUAGE_CODE):
            send_mail(
                _("%(file)s is no longer served") % {"file": file.name},
                _(
                    "New rules of the scanner found something in %(file)s (%(model)s) that could run code when it is "
                    "loaded. The file is not served any more. Its report says what was found: %(address)s"
                )
                % {
                    "file": file.name,
                    "model": file.version.model.title,
                    "address": f"{settings.SITE_URL}/files/{file.pk}/report",
                },
                None,
                [owner.email],
                fail_silently=True,
            )
