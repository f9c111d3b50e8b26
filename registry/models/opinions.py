"""What other engines said about a blob."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.models.files import Blob


class EngineOpinion(models.Model):
    """One engine's answer, with its version. A virus scanner's hit blocks; the rest is shown, and decides nothing."""

    class Outcome(models.TextChoices):
        CLEAN = "clean", _("Nothing found")
        DOUBTED = "doubted", _("Doubted")
        HIT = "hit", _("Hit")
        FAILED = "failed", _("No answer")

    blob = models.ForeignKey(Blob, models.CASCADE, related_name="opinions")
    engine = models.CharField(max_length=40)
    version = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    details = models.JSONField(default=list)
    asked_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["engine"]
        constraints = [models.UniqueConstraint(fields=["blob", "engine"], name="one_opinion_per_engine")]

    def __str__(self) -> str:
        return f"{self.engine}: {self.outcome}"
