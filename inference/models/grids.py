"""X/Y grids: one request with two of its values varied, as data."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.models.jobs import RenderJob


class GridQuerySet(models.QuerySet["Grid"]):
    def of(self, user: Any) -> GridQuerySet:
        """This person's own."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class Grid(models.Model):
    """A table of renders. `spec` is {x: {axis, values}, y: {axis, values}, request}; `y` may be missing."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="grids")
    name = models.CharField(max_length=100, blank=True)
    spec = models.JSONField()
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = GridQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="grid_by_owner")]

    def __str__(self) -> str:
        return self.name or f"grid {self.pk}"


class GridCell(models.Model):
    """One place of a grid, and the render that fills it."""

    grid = models.ForeignKey(Grid, models.CASCADE, related_name="cells")
    x = models.PositiveSmallIntegerField()
    y = models.PositiveSmallIntegerField()
    job = models.OneToOneField(RenderJob, models.SET_NULL, null=True, related_name="cell")

    class Meta:
        ordering = ["grid", "y", "x"]
        constraints = [models.UniqueConstraint(fields=["grid", "y", "x"], name="one_cell_per_place")]

    def __str__(self) -> str:
        return f"{self.grid_id} {self.x}, {self.y}"
