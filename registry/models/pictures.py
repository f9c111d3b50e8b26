"""Pictures: a stored original, its renditions, and the things that show it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from community.ratings import RATING_CHOICES, RATING_NAMES, Rating, level_up_to
from registry.models.catalog import ModelVersion
from registry.models.files import Blob, Verdict
from registry.models.picture_refusals import explain_refusal
from registry.models.shown import ShownPicture
from registry.models.uploads import Upload

# A worker that has not been heard of for so long is gone: longer than decoding may take and storing could.
PICTURE_LEASE_SECONDS = 300
# Positions from here on are of pictures that the site rendered itself: behind the author's own, until they order them.
RENDERED_FROM = 10_000


class PictureQuerySet(models.QuerySet["Picture"]):
    def claim(self, picture_id: int) -> Picture | None:
        """Take a waiting picture, or None if it is gone, done or somebody's."""
        return self._take(
            self.filter(pk=picture_id, state=Picture.State.WAITING), state=Picture.State.RUNNING, tries=F("tries") + 1
        )

    def claim_avif(self) -> Picture | None:
        """Take one that lacks its AVIF copies, or None if none does."""
        waiting = self.filter(avif_state=Picture.AvifState.WAITING).order_by("pk")
        for pk in waiting.values_list("pk", flat=True)[:5]:
            one = self.filter(pk=pk, avif_state=Picture.AvifState.WAITING)
            if taken := self._take(one, avif_state=Picture.AvifState.RUNNING, tries=F("tries") + 1):
                return taken
        return None

    def _take(self, one: PictureQuerySet, **changes: object) -> Picture | None:
        token = uuid.uuid4()
        if not one.update(attempt=token, heart_at=timezone.now(), **changes):
            return None
        return self.select_related("blob").filter(attempt=token).first()

    def lost(self) -> PictureQuerySet:
        """Those whose worker has not been heard of for a lease."""
        limit = timezone.now() - timedelta(seconds=PICTURE_LEASE_SECONDS)
        running = Q(state=Picture.State.RUNNING) | Q(avif_state=Picture.AvifState.RUNNING)
        return self.filter(running, heart_at__lt=limit)

    def unshown(self) -> PictureQuerySet:
        """Those that nothing shows, for a day: whoever is about to show one has found it by now.

        Every table that points to pictures counts, whichever room it belongs to; what goes with a picture, such as
        its smaller copies, does not.
        """
        shows = [Exists(each.objects.filter(**{name: OuterRef("pk")})) for each, name in shown_by()]
        return self.filter(*(~each for each in shows), created_at__lt=timezone.now() - timedelta(days=1))


def shown_by() -> list[tuple[type[models.Model], str]]:
    """The tables of every app whose rows show a picture and keep it, with the name of the field that points to it.

    Where such a row counts against somebody's share of bytes, its model's `held_by` names the way to that person.
    """
    relations = Picture._meta.related_objects  # noqa: SLF001 (a documented interface)
    return [(each.related_model, each.field.name) for each in relations if each.on_delete is not models.CASCADE]


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

    class AvifState(models.TextChoices):
        """Smaller copies that are made when nothing more urgent is; a picture is ready without them."""

        NONE = "none"
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    blob = models.OneToOneField(Blob, models.PROTECT, related_name="picture")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    avif_state = models.CharField(max_length=16, choices=AvifState, default=AvifState.NONE)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    heart_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(default=timezone.now)
    error = models.JSONField(default=dict, blank=True, help_text="{code, params} once it was refused.")
    mime = models.CharField(max_length=40, blank=True)
    width = models.PositiveIntegerField(null=True, help_text="As shown, orientation applied.")
    height = models.PositiveIntegerField(null=True)
    animated = models.BooleanField(default=False)
    seconds = models.FloatField(null=True, help_text="How long a clip is; null of pictures.")
    frame_rate = models.FloatField(null=True, help_text="Of a clip, pictures a second.")
    color = models.CharField(max_length=7, blank=True, help_text="Average color, #rrggbb: the placeholder.")
    phash = models.BigIntegerField(null=True, help_text="64-bit difference hash, as a signed integer.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PictureQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state", "heart_at"], name="picture_by_state"),
            models.Index(fields=["id"], condition=Q(avif_state="waiting"), name="picture_lacks_avif"),
        ]

    def __str__(self) -> str:
        return f"picture {self.pk}"

    @property
    def extension(self) -> str:
        """How a file of its format is named; empty until that is known."""
        return {"image/jpeg": "jpg"}.get(self.mime, self.mime.rpartition("/")[2])

    @property
    def is_clip(self) -> bool:
        """Whether the original is a film; its copies show one picture of it."""
        return self.mime.startswith("video/")

    @property
    def length(self) -> str:
        """How long a clip is, as players write it (0:07); empty where that is not known."""
        if not self.seconds:
            return ""
        minutes, seconds = divmod(max(1, round(self.seconds)), 60)
        return f"{minutes}:{seconds:02d}"

    def mine(self) -> PictureQuerySet:
        """This row while this attempt still holds it; updates through it change nothing once it is lost."""
        return Picture.objects.filter(pk=self.pk, attempt=self.attempt)

    def beat(self) -> bool:
        """Say that the work goes on. False once the claim is lost."""
        return bool(self.mine().update(heart_at=timezone.now()))


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


_READY = Q(error={}, picture__state=Picture.State.READY) & ~Q(picture__blob__verdict=Verdict.BLOCKED)


class VersionPreviewQuerySet(models.QuerySet["VersionPreview"]):
    def within(self, level: int) -> VersionPreviewQuerySet:
        """Those whose rating lies within a browsing level."""
        return self.filter(_within(level))

    def visible_to(self, user) -> VersionPreviewQuerySet:
        """Of versions this viewer may see, within their browsing level; one's own and a moderator's always."""
        visible = self.filter(version__in=ModelVersion.objects.visible_to(user))
        if not user.is_authenticated:
            return visible.within(level_up_to(RATING_NAMES[settings.ANONYMOUS_RATING]))
        if user.is_moderator:
            return visible
        return visible.filter(_within(user.browsing_level) | Q(version__model__owner=user))

    def ready(self) -> VersionPreviewQuerySet:
        """Those that can be shown: decoded, and not of bytes that the scanner has blocked since."""
        return self.filter(_READY)

    def listed_to(self, user) -> VersionPreviewQuerySet:
        """Those a viewer is told of: visible and ready, and one's own whatever their state; all for moderators."""
        visible = self.visible_to(user)
        if not user.is_authenticated:
            return visible.ready()
        return visible if user.is_moderator else visible.filter(_READY | Q(version__model__owner=user))

    def for_display(self) -> VersionPreviewQuerySet:
        """With picture, renditions and upload, in their order."""
        return (
            self.select_related("picture", "upload").prefetch_related("picture__renditions").order_by("position", "pk")
        )


def _within(level: int) -> Q:
    return Q(rating__in=[int(rating) for rating in Rating if rating & level])


class VersionPreview(ShownPicture, models.Model):
    """A picture that shows what a version makes. The first that the viewer may see is the card's cover.

    `error` is {code, params} where the upload is no picture or its name lies; a fault of the pixels is the picture's.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        REFUSED = "refused"

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="previews")
    picture = models.ForeignKey(Picture, models.PROTECT, null=True, related_name="previews")
    upload = models.ForeignKey("registry.Upload", models.SET_NULL, null=True, related_name="previews")
    position = models.PositiveSmallIntegerField(default=0)
    alt = models.CharField(max_length=500, blank=True)
    rating = models.PositiveSmallIntegerField(choices=RATING_CHOICES)
    error = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    held_by = "version__model__owner"

    objects = VersionPreviewQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(rating__in=[int(r) for r in Rating]), name="preview_rating_is_one_bit"),
            models.UniqueConstraint(fields=["version", "upload"], name="preview_once_per_upload"),
        ]

    def __str__(self) -> str:
        return self.alt or f"preview {self.pk}"

    @property
    def state(self) -> str:
        """Where it stands: waiting, ready or refused."""
        if self.refusal_code:
            return self.State.REFUSED
        ready = self.picture is not None and self.picture.state == Picture.State.READY
        return self.State.READY if ready else self.State.WAITING

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

    def _refusal(self) -> dict:
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
        """The word of its rating, e.g. PG-13."""
        return Rating(self.rating).label

    @property
    def original_address(self) -> str:
        """Where the picture is served as it was sent."""
        return reverse("registry:preview-original", args=[self.pk])

    def address_of(self, rendition: Rendition) -> str:
        """Where one of its smaller copies is served."""
        return reverse("registry:preview-rendition", args=[self.pk, rendition.width, rendition.format])
