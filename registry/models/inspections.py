"""What was looked at, what was found, and who let it through."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from registry.models.files import Blob, ModelFile, Verdict
from registry.models.uploads import Upload


class InspectionQuerySet(models.QuerySet["Inspection"]):
    def claim(self, upload_id: uuid.UUID | str) -> Inspection | None:
        """Take the waiting inspection of an upload, or None if it is gone, done or somebody's."""
        token = uuid.uuid4()
        taken = self.filter(upload_id=upload_id, state=Inspection.State.WAITING).update(
            state=Inspection.State.RUNNING, attempt=token, tries=F("tries") + 1, heart_at=timezone.now(), bytes_read=0
        )
        return self.select_related("upload").get(upload_id=upload_id) if taken else None

    def lost(self) -> InspectionQuerySet:
        """Running ones whose worker has not been heard of for a lease."""
        limit = timezone.now() - timedelta(seconds=settings.INSPECTION_LEASE_SECONDS)
        return self.filter(state=Inspection.State.RUNNING, heart_at__lt=limit)


class Inspection(models.Model):
    """One pass over an upload's bytes. Claimed by a conditional update that writes an attempt token."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    upload = models.OneToOneField(Upload, models.CASCADE, related_name="inspection")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    heart_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=32, blank=True)
    bytes_read = models.PositiveBigIntegerField(default=0)
    queued_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = InspectionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "heart_at"], name="inspection_by_state")]

    def __str__(self) -> str:
        return f"inspection of {self.upload_id}"

    def mine(self) -> InspectionQuerySet:
        """This row while this attempt still holds it; updates through it change nothing once it is lost."""
        return Inspection.objects.filter(pk=self.pk, attempt=self.attempt, state=self.State.RUNNING)

    def beat(self, *, step: str | None = None, bytes_read: int | None = None) -> bool:
        """Say that the work goes on, and where it stands. False once the claim is lost."""
        changes: dict[str, object] = {"heart_at": timezone.now()}
        if step is not None:
            changes["step"] = step
        if bytes_read is not None:
            changes["bytes_read"] = bytes_read
        return bool(self.mine().update(**changes))


class Finding(models.Model):
    """One thing the scanner saw in a blob. Sentences are made from `rule` and `params`."""

    blob = models.ForeignKey(Blob, models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=64)
    level = models.CharField(max_length=16, choices=Verdict)
    member = models.CharField(max_length=300, blank=True)
    offset = models.PositiveBigIntegerField(null=True)
    opcode = models.CharField(max_length=24, blank=True)
    subject = models.CharField(max_length=300, blank=True, help_text="The import it is about.")
    preview = models.CharField(max_length=400, blank=True)
    message = models.CharField(max_length=1000)
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}"


class Waiver(models.Model):
    """A moderator's reasoned decision that a *check* file may be served. A new finding voids it."""

    file = models.ForeignKey(ModelFile, models.CASCADE, related_name="waivers")
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="waivers")
    reason = models.CharField(max_length=1000)
    findings = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file"], condition=Q(voided_at__isnull=True), name="one_standing_waiver_per_file"
            )
        ]

    def __str__(self) -> str:
        return f"waiver for {self.file_id}"
