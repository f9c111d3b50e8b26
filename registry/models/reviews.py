"""What people who used a version say of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from community.models import Subject
from registry.models.catalog import ModelVersion


class ReviewQuerySet(models.QuerySet["Review"]):
    def standing(self) -> ReviewQuerySet:
        """Neither held nor removed by a moderator: what is shown and counted."""
        return self.filter(held_at__isnull=True, removed_at__isnull=True)

    def visible_to(self, user) -> ReviewQuerySet:
        """Standing ones of versions that this person may see."""
        shown = ModelVersion.objects.visible_to(user).within_level_of(user)
        return self.standing().filter(version__in=shown)

    def readable_by(self, user) -> ReviewQuerySet:
        """The same, one's own whatever became of them, and all for moderators."""
        if not user.is_authenticated:
            return self.visible_to(user)
        if user.is_moderator:
            return self
        visible = self.visible_to(user).values("pk")
        return self.filter(models.Q(pk__in=visible) | models.Q(author=user))


class Review(models.Model):
    """Recommended or not, and why: one a person and version. The version carries the totals.

    Its subject is made when somebody first reports it or a moderator decides about it.
    """

    subject = models.OneToOneField(Subject, models.SET_NULL, null=True, editable=False, related_name="review")
    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reviews")
    recommended = models.BooleanField()
    text = models.TextField(max_length=10_000, blank=True)
    mentions = ArrayField(models.CharField(max_length=96), default=list, blank=True)
    # Pictures belong to a room above: what is kept of them is their subject.
    pictures = models.ManyToManyField("community.Subject", related_name="+", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    held_at = models.DateTimeField(null=True, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="removed_reviews"
    )
    removal_reason = models.CharField(max_length=500, blank=True, help_text="Why it is held or removed.")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "author"], name="review_one_per_person")]
        indexes = [models.Index(fields=["version", "-created_at", "-id"], name="review_newest")]

    def __str__(self) -> str:
        return f"{self.author} on {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("registry:review-page", args=[self.pk])

    @property
    def stands(self) -> bool:
        """Whether it is shown and counted."""
        return self.held_at is None and self.removed_at is None
