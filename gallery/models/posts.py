"""Posts, and the images in them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from community.ratings import RATING_CHOICES, Rating, bits_of, browsing_level_of
from registry.models import Picture, Rendition, Upload
from registry.models.files import Verdict
from registry.models.picture_refusals import explain_refusal
from registry.models.shown import ShownPicture

# Signs that a seed can have: from 0 to 2⁶⁴ − 1.
SEED_DIGITS = 20


class PostQuerySet(models.QuerySet["Post"]):
    def published(self) -> PostQuerySet:
        """In the public's hands: published, and not deleted since."""
        return self.filter(_POST_IS_PUBLIC)

    def visible_to(self, user) -> PostQuerySet:
        """Published ones with a picture within the viewer's level, this person's own, and all for moderators."""
        if user.is_authenticated and user.is_moderator:
            return self
        rows = self.alias(shown_bits=F("rating").bitand(browsing_level_of(user)))
        shown = _POST_IS_PUBLIC & Q(shown_bits__gt=0)
        return rows.filter(shown | Q(owner=user)) if user.is_authenticated else rows.filter(shown)


class Post(models.Model):
    """Pictures published together. A deleted one can be brought back for 30 days, then the sweep purges it."""

    class State(models.TextChoices):
        DRAFT = "draft"
        SCHEDULED = "scheduled"
        PUBLISHED = "published"
        REMOVED = "removed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="posts")
    title = models.CharField(max_length=200, blank=True)
    caption = models.TextField(blank=True, max_length=10_000, help_text="Markdown.")
    mentions = ArrayField(
        models.CharField(max_length=96), default=list, blank=True, help_text="People whom the caption names."
    )
    tags = models.ManyToManyField("registry.Tag", related_name="posts", blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    publish_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)
    rating = models.PositiveSmallIntegerField(default=0, help_text="Union of its images' rating bits.")
    version = models.ForeignKey(
        "registry.ModelVersion",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="posts",
        help_text="The version it was posted to, if it was.",
    )
    hides_generation = models.BooleanField(default=False)
    removed_reason = models.CharField(max_length=500, blank=True)
    deleted_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(rating__gte=0, rating__lte=31), name="post_rating_is_bits"),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False), name="published_post_has_moment"
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(publish_at__isnull=False), name="scheduled_post_has_moment"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="post_by_owner"),
            models.Index(
                fields=["-published_at", "-id"],
                condition=Q(state="published", deleted_at__isnull=True),
                name="post_newest_public",
            ),
            models.Index(fields=["publish_at"], condition=Q(state="scheduled"), name="post_scheduled"),
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="post_deleted"),
        ]

    def __str__(self) -> str:
        return self.title or f"post {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("gallery:post", args=[self.pk])

    @property
    def is_public(self) -> bool:
        """Whether everybody may see it, ratings aside."""
        return self.state == self.State.PUBLISHED and self.deleted_at is None

    @property
    def is_draft(self) -> bool:
        """Not out yet: a draft, or waiting for its moment."""
        return self.state in {self.State.DRAFT, self.State.SCHEDULED}


_POST_IS_PUBLIC = Q(state=Post.State.PUBLISHED, deleted_at__isnull=True)
_IN_PUBLIC_POST = Q(post__state=Post.State.PUBLISHED, post__deleted_at__isnull=True)
_DECODED = Q(error={}, picture__state=Picture.State.READY) & ~Q(picture__blob__verdict=Verdict.BLOCKED)


class ImageQuerySet(models.QuerySet["Image"]):
    def public(self) -> ImageQuerySet:
        """In a published post, and neither held nor removed. Says nothing of ratings."""
        return self.filter(_IN_PUBLIC_POST, state=Image.State.VISIBLE)

    def within(self, level: int) -> ImageQuerySet:
        """Those whose rating lies within a browsing level; one without a rating lies in none."""
        return self.filter(rating__in=bits_of(level))

    def visible_to(self, user) -> ImageQuerySet:
        """Public ones within the viewer's level, this person's own, and all of them for moderators."""
        if user.is_authenticated and user.is_moderator:
            return self
        shown = _IN_PUBLIC_POST & Q(state=Image.State.VISIBLE, rating__in=bits_of(browsing_level_of(user)))
        return self.filter(shown | Q(owner=user)) if user.is_authenticated else self.filter(shown)

    def ready(self) -> ImageQuerySet:
        """Those that can be shown: decoded, and not of bytes that the scanner has blocked since."""
        return self.filter(_DECODED)

    def for_cards(self) -> ImageQuerySet:
        """With what a list shows of each, at a fixed number of queries; long texts are left where they lie."""
        return (
            self.select_related("picture", "owner", "post", "subject")
            .defer("generation", "edited", "negative", "post__caption")
            .prefetch_related("picture__renditions", "tags", "post__tags")
        )

    def for_display(self) -> ImageQuerySet:
        """With all that its page shows, in their order."""
        models = ("version__model", "suggestion__model")
        resources = [f"resources__{model}__{part}" for model in models for part in ("owner", "subject")]
        return (
            self.select_related(
                "picture__blob", "picture__reading", "picture__score", "upload", "owner", "post", "subject"
            )
            .defer("picture__reading__raw")
            .prefetch_related("picture__renditions", "tags", *resources)
            .order_by("position", "pk")
        )


class Image(ShownPicture, models.Model):
    """One picture of a post, with how it was made.

    `error` is {code, params} where the upload is no picture or its name lies; a fault of the pixels is the picture's.
    `generation` is what its tool said (`gallery.imagemeta`), `edited` what its author says instead; the columns beside
    them hold whichever counts, for searching.
    """

    class State(models.TextChoices):
        VISIBLE = "visible"
        HELD = "held"
        REMOVED = "removed"

    class Original(models.TextChoices):
        """What is served as the original, where the file holds what its author may not mean to give away."""

        UNDECIDED = "undecided"
        WHOLE = "whole"
        STRIPPED = "stripped"

    post = models.ForeignKey(Post, models.CASCADE, related_name="images")
    subject = models.OneToOneField("community.Subject", models.PROTECT, related_name="image")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="images")
    picture = models.ForeignKey(Picture, models.PROTECT, null=True, related_name="images")
    upload = models.ForeignKey("registry.Upload", models.SET_NULL, null=True, related_name="images")
    position = models.PositiveIntegerField(default=0)
    caption = models.TextField(blank=True, max_length=2_000)
    mentions = ArrayField(
        models.CharField(max_length=96), default=list, blank=True, help_text="People whom the caption names."
    )
    alt = models.CharField(max_length=500, blank=True)
    rating = models.PositiveSmallIntegerField(choices=RATING_CHOICES, null=True, help_text="Null: not chosen yet.")
    tags = models.ManyToManyField("registry.Tag", related_name="images", blank=True)
    error = models.JSONField(default=dict, blank=True)
    generation = models.JSONField(null=True, help_text="As read from the file.")
    edited = models.JSONField(null=True, help_text="As its author corrected it.")
    is_edited = models.BooleanField(default=False)
    prompt = models.TextField(blank=True)
    negative = models.TextField(blank=True)
    seed = models.DecimalField(max_digits=SEED_DIGITS, decimal_places=0, null=True)
    tool = models.CharField(max_length=40, blank=True)
    hides_generation = models.BooleanField(default=False)
    original = models.CharField(max_length=16, choices=Original, default=Original.UNDECIDED)
    state = models.CharField(max_length=16, choices=State, default=State.VISIBLE)
    state_reason = models.CharField(max_length=500, blank=True, help_text="Why it is held or removed.")
    created_at = models.DateTimeField(auto_now_add=True)

    held_by = "owner"

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__in=[int(r) for r in Rating]),
                name="image_rating_is_one_bit",
            ),
            models.CheckConstraint(
                condition=Q(seed__isnull=True) | Q(seed__gte=0, seed__lt=1 << 64), name="image_seed_is_64_bits"
            ),
            models.UniqueConstraint(fields=["post", "upload"], name="image_once_per_upload"),
        ]
        indexes = [
            models.Index(fields=["post", "position"], name="image_by_post"),
            models.Index(fields=["owner", "-id"], name="image_by_owner"),
            models.Index(fields=["id"], condition=~Q(state="visible"), name="image_not_visible"),
        ]

    def __str__(self) -> str:
        return self.alt or f"image {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("gallery:image", args=[self.pk])

    @property
    def progress(self) -> str:
        """Where it stands on its way in: waiting, ready or refused."""
        if self.refusal_code:
            return "refused"
        ready = self.picture is not None and self.picture.state == Picture.State.READY
        return "ready" if ready else "waiting"

    @property
    def refusal_code(self) -> str:
        """Why it cannot be shown, for programs; empty while nothing speaks against it."""
        return str(self._refusal().get("code", ""))

    @property
    def refusal(self) -> str:
        """The same in a sentence for people."""
        refusal = self._refusal()
        if not refusal:
            return ""
        return refusal.get("detail") or explain_refusal(refusal["code"], refusal.get("params", {}))

    def _refusal(self) -> dict[str, Any]:
        if self.error:
            return self.error
        if self.picture is not None:
            return self.picture.error if self.picture.state == Picture.State.REFUSED else {}
        if self.upload is None:
            return {"code": "upload_gone"}
        if self.upload.state in {Upload.State.FAILED, Upload.State.EXPIRED, Upload.State.ABORTED}:
            return self.upload.error or {"code": "upload_gone"}
        return {}

    @property
    def rating_name(self) -> str:
        """The word of its rating, e.g. PG-13; empty until one was chosen."""
        return Rating(self.rating).label if self.rating else ""

    @property
    def keeps_generation_to_itself(self) -> bool:
        """Whether how it was made is shown to nobody but its author and moderators."""
        return self.hides_generation or self.post.hides_generation

    @property
    def serves_stripped(self) -> bool:
        """Whether the original goes out without its metadata. Needs its post."""
        return self.original == self.Original.STRIPPED or self.keeps_generation_to_itself

    @property
    def stripped_kind(self) -> str:
        """Which stripped original is served, of `PictureReading.Stripped`; empty where it goes out as it was sent."""
        if self.keeps_generation_to_itself:
            return "bare"
        return "clean" if self.original == self.Original.STRIPPED else ""

    @property
    def has_original(self) -> bool:
        """Whether its original can be had: a stripped one is made first, and of some files cannot be."""
        if self.progress != "ready" or not self.stripped_kind:
            return self.progress == "ready"
        reading = getattr(self.picture, "reading", None)
        return reading is not None and "key" in reading.stripped.get(self.stripped_kind, {})

    @property
    def told(self) -> dict[str, Any]:
        """How it was made: as corrected, else as read; empty where nothing is known."""
        return (self.edited if self.is_edited else self.generation) or {}

    @property
    def original_address(self) -> str:
        """Where the picture is served as it was sent, or stripped of its metadata where its author chose so."""
        return reverse("gallery:image-original", args=[self.pk])

    def address_of(self, rendition: Rendition) -> str:
        """Where one of its smaller copies is served."""
        return reverse("gallery:image-rendition", args=[self.pk, rendition.width, rendition.format])
