"""Pickles that become `.safetensors`: which bytes, what became of them, and who works on it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import PurePosixPath

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.conversion_refusals import explain_conversion_refusal
from registry.models.files import Blob

_ENDINGS = {"full": ".safetensors", "pruned_fp16": "-pruned-fp16.safetensors"}
_MAX_NAME_BYTES = 255


class ConversionQuerySet(models.QuerySet["Conversion"]):
    def claim(self, conversion_id: int) -> Conversion | None:
        """Take a waiting conversion, or None if it is gone, done or somebody's."""
        token = uuid.uuid4()
        taken = self.filter(pk=conversion_id, state=Conversion.State.WAITING).update(
            state=Conversion.State.RUNNING, attempt=token, tries=F("tries") + 1, heart_at=timezone.now()
        )
        return self.select_related("source").filter(attempt=token).first() if taken else None

    def lost(self) -> ConversionQuerySet:
        """Running ones whose worker has not been heard of for a lease."""
        limit = timezone.now() - timedelta(seconds=settings.INSPECTION_LEASE_SECONDS)
        return self.filter(state=Conversion.State.RUNNING, heart_at__lt=limit)

    def done(self) -> ConversionQuerySet:
        """Those that have a result."""
        return self.filter(state=Conversion.State.DONE)

    def for_display(self) -> ConversionQuerySet:
        """With their results and the results' hashes, the full ones first."""
        return self.select_related("result").prefetch_related("result__hashes")


class Conversion(models.Model):
    """One way in which a blob becomes a `.safetensors`. The source never changes; the result is a blob of its own.

    It belongs to the bytes: files that share them share it. Metadata of the result name the source's hash and nothing
    of any file. Claimed by a conditional update that writes an attempt token.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Kind(models.TextChoices):
        FULL = "full", _("every tensor as it is")
        PRUNED_FP16 = "pruned_fp16", _("pruned, fp16")

    source = models.ForeignKey(Blob, models.CASCADE, related_name="conversions")
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    heart_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    result = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="converted_from")
    report = models.JSONField(default=dict, blank=True, help_text="What was kept, cast, shared and left out.")
    error = models.JSONField(default=dict, blank=True, help_text="{code, params} once it failed.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConversionQuerySet.as_manager()

    class Meta:
        ordering = ["kind"]
        constraints = [
            models.UniqueConstraint(fields=["source", "kind"], name="one_conversion_of_a_kind_per_blob"),
            models.CheckConstraint(
                condition=Q(state="done", result__isnull=False) | (~Q(state="done") & Q(result__isnull=True)),
                name="conversion_has_result_when_done",
            ),
        ]
        indexes = [models.Index(fields=["state", "heart_at"], name="conversion_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} conversion of {self.source_id[:10]}"

    def mine(self) -> ConversionQuerySet:
        """This row while this attempt still holds it; updates through it change nothing once it is lost."""
        return Conversion.objects.filter(pk=self.pk, attempt=self.attempt, state=self.State.RUNNING)

    def beat(self) -> bool:
        """Say that the work goes on. False once the claim is lost."""
        return bool(self.mine().update(heart_at=timezone.now()))

    def name_for(self, file_name: str) -> str:
        """What the result is called under a file of this name."""
        ending = _ENDINGS[self.kind]
        stem = PurePosixPath(file_name).stem.encode()[: _MAX_NAME_BYTES - len(ending)]
        return stem.decode("utf-8", "ignore") + ending

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def refusal(self) -> str:
        """Why it failed, in a sentence for people; empty unless it did."""
        return explain_conversion_refusal(self.error["code"], self.error.get("params", {})) if self.error else ""
