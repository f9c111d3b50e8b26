"""Words that people file models under."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower


class Tag(models.Model):
    """A tag as first written; one row regardless of case."""

    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_unique_any_case")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
