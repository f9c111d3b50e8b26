"""What a picture's file says beside its pixels, read once however many images show it."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping
from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone

from registry.models import Picture

# A reader that has not been heard of for so long is gone.
READING_LEASE_SECONDS = 300


class PictureReadingQuerySet(models.QuerySet["PictureReading"]):
    def claim(self, picture_id: int) -> PictureReading | None:
        """Take a waiting reading, or None if it is gone, done or somebody's."""
        token = uuid.uuid4()
        changed = self.filter(pk=picture_id, state=PictureReading.State.WAITING).update(
            state=PictureReading.State.RUNNING, attempt=token, tries=F("tries") + 1, heart_at=timezone.now()
        )
        return self.select_related("picture__blob").filter(attempt=token).first() if changed else None

    def lost(self) -> PictureReadingQuerySet:
        """Those whose worker has not been heard of for a lease."""
        limit = timezone.now() - timedelta(seconds=READING_LEASE_SECONDS)
        return self.filter(state=PictureReading.State.RUNNING, heart_at__lt=limit)


class PictureReading(models.Model):
    """The metadata of a stored original. Shown by an image only, to whom the image's author lets it be shown.

    `raw` keeps the blocks as they stood in the file, untouched: compressed JSON, for a column of text can hold
    neither NUL nor half a character. `private` lists what the author may not mean to give away.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    picture = models.OneToOneField(Picture, models.CASCADE, primary_key=True, related_name="reading")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    heart_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(default=timezone.now)
    generation = models.JSONField(null=True)
    raw = models.BinaryField(default=bytes)
    note = models.CharField(max_length=40, blank=True, help_text="Why nothing was read, as a code.")
    private = models.JSONField(default=list, help_text="{kind, place, text} for each finding.")
    stripped = models.JSONField(
        default=dict, help_text="Originals without metadata, once asked for: {key, size} or {error} by kind."
    )

    objects = PictureReadingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "queued_at"], name="reading_by_state")]

    def __str__(self) -> str:
        return f"reading of {self.picture_id}"

    class Stripped(models.TextChoices):
        """Without what is private alone, or without any metadata."""

        CLEAN = "clean"
        BARE = "bare"

    @property
    def is_over(self) -> bool:
        """Whether all that will be read of the file has been."""
        return self.state in {self.State.DONE, self.State.FAILED}

    @property
    def blocks(self) -> dict[str, str]:
        """The blocks as they stood, by the place they stood in."""
        return json.loads(zlib.decompress(bytes(self.raw))) if self.raw else {}

    @staticmethod
    def packed(blocks: Mapping[str, str]) -> bytes:
        """Blocks in the form of `raw`."""
        return zlib.compress(json.dumps(dict(blocks)).encode("ascii"), 6) if blocks else b""
