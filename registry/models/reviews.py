"""What people who used a version say of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from registry.models.catalog import ModelVersion


class ReviewQuerySet(models.QuerySet["Review"]):
    def standing(self) -> ReviewQuerySet:
        """Not removed by a moderator."""
        return self.filter(removed_at__isnull=True)

    def visible_to(self, user) -> ReviewQuerySet:
        """Standing ones of versions that this person may see."""
        return self.standing().filter(version__in=ModelVersion.objects.visible_to(user))


class Review(models.Model):
    """Recommended or not, and why: one a person and version. The version carries the totals."""

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reviews")
    recommended = models.BooleanField()
    text = models.TextField(max_length=10_000, blank=True)
    mentions = ArrayField(models.CharField(max_length=96), default=list, blank=True)
    # Pictures belong to a room above: what is kept of them is their subject.
    pictures = models.ManyToManyField("community.Subject", related_name="+", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="removed_reviews"
    )
    removal_reason = models.CharField(max_length=500, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "author"], name="review_one_per_person")]
        indexes = [models.Index(fields=["version", "-created_at", "-id"], name="review_newest")]

    def __str__(self) -> str:
        return f"{self.author} on {self.version}"
