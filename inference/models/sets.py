"""Stored prompts, rendered the same way for every version; and styles, which are prompts to add to others."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from community.ratings import RATING_CHOICES, Rating
from inference.models.jobs import SEED_DIGITS, RenderJob, RenderResult
from registry.models import ModelVersion, VersionPreview


class PromptSet(models.Model):
    """The house's set of a base-model family (no owner), or an author's own (family blank: for whatever they make)."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="prompt_sets"
    )
    family = models.CharField(max_length=24, blank=True)
    name = models.CharField(max_length=100)
    is_used = models.BooleanField(default=True, help_text="Whether versions of its owner or family are shown with it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | ~Q(family=""), name="house_prompt_set_has_family"
            ),
            models.UniqueConstraint(
                fields=["family"], condition=Q(owner__isnull=True), name="one_house_prompt_set_per_family"
            ),
            models.UniqueConstraint("owner", Lower("name"), name="prompt_set_name_unique_per_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def current(self) -> PromptSetRevision | None:
        """Its newest revision."""
        return self.revisions.order_by("-number").first()


class PromptSetRevision(models.Model):
    """The set as it stood at a time. Never changed: a preview remembers the one that it was made by."""

    set = models.ForeignKey(PromptSet, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["set", "-number"]
        constraints = [models.UniqueConstraint(fields=["set", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.set} {self.number}"


class Prompt(models.Model):
    """One picture of a set. Sides may be empty: the family's own size."""

    revision = models.ForeignKey(PromptSetRevision, models.CASCADE, related_name="prompts")
    index = models.PositiveSmallIntegerField()
    prompt = models.TextField(max_length=10_000)
    negative = models.TextField(max_length=10_000, blank=True)
    alt = models.CharField(max_length=500, blank=True, help_text="What the picture shows, in words.")
    rating = models.PositiveSmallIntegerField(choices=RATING_CHOICES, default=int(Rating.PG))
    seed = models.DecimalField(max_digits=SEED_DIGITS, decimal_places=0, default=0)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    steps = models.PositiveSmallIntegerField(default=20)
    sampler = models.CharField(max_length=60, default="DPM++ 2M")
    schedule_type = models.CharField(max_length=60, default="Automatic")
    cfg_scale = models.FloatField(default=7)
    clip_skip = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["revision", "index"]
        constraints = [
            models.UniqueConstraint(fields=["revision", "index"], name="one_prompt_per_index"),
            models.CheckConstraint(condition=Q(rating__in=[int(r) for r in Rating]), name="prompt_rating_is_one_bit"),
        ]

    def __str__(self) -> str:
        return self.prompt[:60]


class RenderedPreview(models.Model):
    """A prompt of a set rendered for a version. `preview` and `result` come when the job is done.

    `revision` and `index` outlive a change of the set: two versions are compared where both are equal.
    """

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="rendered_previews")
    revision = models.ForeignKey(PromptSetRevision, models.PROTECT, related_name="rendered")
    index = models.PositiveSmallIntegerField()
    job = models.OneToOneField(RenderJob, models.SET_NULL, null=True, related_name="rendered_preview")
    result = models.OneToOneField(RenderResult, models.SET_NULL, null=True, related_name="rendered_preview")
    preview = models.OneToOneField(VersionPreview, models.CASCADE, null=True, related_name="rendered")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["version", "revision", "index"]
        constraints = [
            models.UniqueConstraint(fields=["version", "revision", "index"], name="one_rendered_preview_per_prompt")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.revision} {self.index}"


class StyleQuerySet(models.QuerySet["Style"]):
    def of(self, user: Any) -> StyleQuerySet:
        """This person's own."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class Style(models.Model):
    """Words that somebody adds to prompts. `{prompt}` in them stands for what was typed."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="styles")
    name = models.CharField(max_length=100)
    prompt = models.TextField(max_length=10_000, blank=True)
    negative = models.TextField(max_length=10_000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StyleQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="style_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name
