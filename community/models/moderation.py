"""Every act of a moderator leaves a row."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ModerationAct(models.Model):
    """Who did what to what, by which rule, on what evidence, and why. Never edited."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="moderation_acts")
    act = models.CharField(max_length=40)
    target = models.CharField(max_length=200, help_text="What it was done to, as kind:id.")
    title = models.CharField(max_length=300, blank=True)
    rule = models.CharField(max_length=80, blank=True)
    reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["target"], name="act_by_target")]

    def __str__(self) -> str:
        return f"{self.act} {self.target}"
