"""Bytes on their way in."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from registry.storage import Incoming


class UploadQuerySet(models.QuerySet["Upload"]):
    def open(self) -> UploadQuerySet:
        """Still taking parts."""
        return self.filter(state=Upload.State.RECEIVING)

    def of(self, user) -> UploadQuerySet:
        """This person's own: an upload is never anybody else's to see."""
        return self.filter(owner=user) if user.is_authenticated else self.none()

    def unused(self) -> UploadQuerySet:
        """Those that became nothing yet: no file and no picture, in whichever app."""
        relations = Upload._meta.related_objects  # noqa: SLF001 (a documented interface)
        outlive = [each for each in relations if each.on_delete is models.SET_NULL]
        became = [Exists(each.related_model.objects.filter(**{each.field.name: OuterRef("pk")})) for each in outlive]
        return self.filter(*(~each for each in became))


class Upload(models.Model):
    """One file being sent in parts. Its id is unguessable and is no proof of anything: the owner is checked."""

    class State(models.TextChoices):
        RECEIVING = "receiving"
        COMPLETE = "complete"
        INSPECTING = "inspecting"
        DONE = "done"
        FAILED = "failed"
        EXPIRED = "expired"
        ABORTED = "aborted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    declared_sha256 = models.CharField(max_length=64, blank=True)
    part_size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=16, choices=State, default=State.RECEIVING)
    store_id = models.CharField(max_length=1024, blank=True, help_text="The store's own name for a multipart upload.")
    key = models.CharField(max_length=200, blank=True, help_text="Where the store holds the bytes.")
    blob = models.ForeignKey("registry.Blob", models.SET_NULL, null=True, related_name="uploads")
    error = models.JSONField(default=dict, blank=True, help_text="{code, field, detail} once it failed.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=1), name="upload_has_bytes"),
            models.CheckConstraint(condition=Q(part_size__gte=1), name="upload_part_has_bytes"),
        ]
        indexes = [models.Index(fields=["state", "expires_at"], name="upload_by_state")]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def incoming(self) -> Incoming:
        """The upload as the store knows it."""
        return Incoming(self.key, self.store_id, self.size, self.part_size)

    @property
    def part_count(self) -> int:
        """How many parts the declared size makes. Which of them have arrived, the store knows."""
        return self.incoming.part_count
