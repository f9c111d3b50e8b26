"""What an image was made with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gallery.models.posts import Image
from registry.models import ModelVersion


class ImageResource(models.Model):
    """A model that an image was made with: linked to a version where its hash or its author says which.

    A name alone links nothing: `suggestion` is what it may mean, for the author to confirm.
    """

    class Source(models.TextChoices):
        DETECTED = "detected"
        CONFIRMED = "confirmed"
        ADDED = "added"

    image = models.ForeignKey(Image, models.CASCADE, related_name="resources")
    version = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="image_resources")
    suggestion = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=24)
    weight = models.FloatField(null=True)
    hash = models.CharField(max_length=64, blank=True)
    hash_kind = models.CharField(max_length=8, blank=True)
    source = models.CharField(max_length=16, choices=Source, default=Source.DETECTED)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "version"], condition=Q(version__isnull=False), name="image_resource_once"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.hash
