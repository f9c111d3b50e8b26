"""Words that people file models under."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower


class TagQuerySet(models.QuerySet["Tag"]):
    def named(self, names: Iterable[str]) -> TagQuerySet:
        """The tags of these names, regardless of case."""
        return self.alias(low=Lower("name")).filter(low__in=[Lower(Value(name)) for name in names])


class Tag(models.Model):
    """A tag as first written; one row regardless of case."""

    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_unique_any_case")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
