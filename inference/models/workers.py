"""Who renders, and with what where nothing is said."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from registry.models import ModelVersion


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        """Those heard of within a few beats."""
        return self.filter(seen_at__gte=timezone.now() - timedelta(seconds=settings.RENDER_LEASE_SECONDS))


class Worker(models.Model):
    """A process that renders, as it announced itself. Without an engine a process announces nothing."""

    name = models.CharField(max_length=100, unique=True)
    device = models.CharField(max_length=200, help_text="The device's own name, e.g. of the graphics card.")
    device_kind = models.CharField(max_length=16, default="cpu", help_text="cpu, cuda, mps …")
    memory = models.PositiveBigIntegerField(default=0, help_text="Bytes of the device's memory; 0: not known.")
    most_seconds = models.PositiveIntegerField(default=0, help_text="Estimated renders over this are refused; 0: none.")
    speeds = models.JSONField(default=dict, help_text="Measured seconds for a unit of work, by family.")
    versions = models.JSONField(default=dict, help_text="Of the engine and what it stands on.")
    warm_checkpoint = models.CharField(max_length=64, blank=True)
    warm_since = models.DateTimeField(null=True)
    jobs_done = models.PositiveIntegerField(default=0)
    jobs_failed = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FamilyDefault(models.Model):
    """The checkpoint on which adapters of a base model are shown when nothing else is said. Set by the staff."""

    base_model = models.CharField(primary_key=True, max_length=40, help_text="An id of the base-model list.")
    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="default_of")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["base_model"]

    def __str__(self) -> str:
        return self.base_model
