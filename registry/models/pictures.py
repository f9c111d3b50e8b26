"""Pictures: a stored original, its renditions, and the things that show it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from community.ratings import ALL_RATINGS, RATING_CHOICES, Rating
from registry.models.catalog import ModelVersion
from registry.models.files import Blob


class Picture(models.Model):
    """A stored original, byte-identical, with what decoding it once has told. One row of pixels a blob.

    Nothing is served by a picture's id: the address names the thing that shows it, for the same pixels may be
    private in one place and public in another. The rating, too, is the showing thing's.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        REFUSED = "refused"

    blob = models.OneToOneField(Blob, models.PROTECT, related_name="picture")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    heart_at = models.DateTimeField(null=True)
    error = models.JSONField(default=dict, blank=True)
    mime = models.CharField(max_length=40, blank=True)
    width = models.PositiveIntegerField(null=True, help_text="As shown, orientation applied.")
    height = models.PositiveIntegerField(null=True)
    animated = models.BooleanField(default=False)
    color = models.CharField(max_length=7, blank=True, help_text="Average color, #rrggbb: the placeholder.")
    phash = models.BigIntegerField(null=True, help_text="64-bit difference hash, as a signed integer.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["state", "heart_at"], name="picture_by_state")]

    def __str__(self) -> str:
        return f"picture {self.pk}"


class Rendition(models.Model):
    """A smaller copy of a picture, without metadata."""

    class Format(models.TextChoices):
        WEBP = "webp"
        AVIF = "avif"

    picture = models.ForeignKey(Picture, models.CASCADE, related_name="renditions")
    format = models.CharField(max_length=8, choices=Format)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    key = models.CharField(max_length=200)

    class Meta:
        ordering = ["width"]
        constraints = [models.UniqueConstraint(fields=["picture", "format", "width"], name="one_rendition_per_width")]

    def __str__(self) -> str:
        return f"{self.format} {self.width}"


class VersionPreviewQuerySet(models.QuerySet["VersionPreview"]):
    def within(self, level: int) -> VersionPreviewQuerySet:
        """Those whose rating lies within a browsing level."""
        return self.annotate(_beyond=F("rating").bitand(int(ALL_RATINGS) & ~level)).filter(_beyond=0)

    def visible_to(self, user) -> VersionPreviewQuerySet:
        """Of versions this viewer may see, within their browsing level; one's own and a moderator's always."""
        visible = self.filter(version__in=ModelVersion.objects.visible_to(user))
        if not user.is_authenticated:
            return visible.within(int(Rating.PG))
        if user.is_moderator:
            return visible
        return visible.within(user.browsing_level) | visible.filter(version__model__owner=user).within(int(ALL_RATINGS))

    def for_display(self) -> VersionPreviewQuerySet:
        """With picture and renditions, in their order."""
        return self.select_related("picture").prefetch_related("picture__renditions").order_by("position", "pk")


class VersionPreview(models.Model):
    """A picture that shows what a version makes. The first that the viewer may see is the card's cover."""

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="previews")
    picture = models.ForeignKey(Picture, models.PROTECT, null=True, related_name="previews")
    upload = models.ForeignKey("registry.Upload", models.SET_NULL, null=True, related_name="previews")
    position = models.PositiveSmallIntegerField(default=0)
    alt = models.CharField(max_length=500, blank=True)
    rating = models.PositiveSmallIntegerField(choices=RATING_CHOICES)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VersionPreviewQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(rating__in=[int(r) for r in Rating]), name="preview_rating_is_one_bit"),
        ]

    def __str__(self) -> str:
        return self.alt or f"preview {self.pk}"
