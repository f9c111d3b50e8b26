"""Names, the bytes behind them, and what is left when both are gone."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from registry.models.catalog import ModelVersion


class HashKind(models.TextChoices):
    """The digests by which tools of the field know a file. Values are stored in lower case, served in upper."""

    SHA256 = "SHA256"
    BLAKE3 = "BLAKE3"
    CRC32 = "CRC32"
    AUTOV1 = "AutoV1"
    AUTOV2 = "AutoV2"
    AUTOV3 = "AutoV3"


class Verdict(models.TextChoices):
    """What the bytes are, or that nobody knows yet."""

    PENDING = "pending"
    SAFE = "safe"
    CHECK = "check"
    BLOCKED = "blocked"
    UNREADABLE = "unreadable"


class Blob(models.Model):
    """Bytes, known by their SHA-256, stored once however many files point to them."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    key = models.CharField(max_length=200, help_text="Where the store holds it.")
    verdict = models.CharField(max_length=16, choices=Verdict, default=Verdict.PENDING)
    format = models.CharField(max_length=40, blank=True, help_text="By content, e.g. safetensors, torch-zip, png.")
    facts = models.JSONField(default=dict, help_text="Header and recognition: metadata, dtypes, parameters, type.")
    rules_version = models.CharField(max_length=40, blank=True)
    evidence = models.JSONField(default=list, help_text="Distinct (import, use), so that new rules re-judge.")
    evidence_cut = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True)
    inspected_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:10]


class BlobHash(models.Model):
    """One digest of a blob, for looking up by hash."""

    blob = models.ForeignKey(Blob, models.CASCADE, related_name="hashes")
    kind = models.CharField(max_length=8, choices=HashKind)
    value = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blob", "kind"], name="one_hash_of_a_kind_per_blob")]
        indexes = [models.Index(fields=["value"], name="blob_by_hash")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class ModelFileQuerySet(models.QuerySet["ModelFile"]):
    def for_display(self) -> ModelFileQuerySet:
        """With blob, hashes, upload and inspection."""
        return (
            self.select_related("blob", "upload__inspection")
            .prefetch_related("blob__hashes")
            .order_by("position", "pk")
        )

    def with_conversions(self) -> ModelFileQuerySet:
        """With what was made of each file's bytes, the full conversion first."""
        return self.prefetch_related("blob__conversions__result__hashes")

    def visible_to(self, user) -> ModelFileQuerySet:
        """Files of the versions this viewer may see."""
        return self.filter(version__in=ModelVersion.objects.visible_to(user))


class ModelFile(models.Model):
    """A name inside a version, pointing at a blob. The blob is empty until the inspection found what the bytes are."""

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    upload = models.ForeignKey("registry.Upload", models.SET_NULL, null=True, related_name="files")
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="files")
    size = models.PositiveBigIntegerField()
    is_primary = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    download_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelFileQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint("version", Lower("name"), name="file_name_unique_in_version"),
            models.UniqueConstraint(
                fields=["version"], condition=Q(is_primary=True), name="one_primary_file_per_version"
            ),
        ]
        indexes = [models.Index(Lower("name"), name="file_by_name")]  # prompts name files: <lora:name:0.8>

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Where the file stands: uploading, waiting, inspecting, done or failed."""
        if self.blob_id:
            return "done"
        upload = self.upload
        if upload is None:
            return "failed"
        return {"receiving": "uploading", "complete": "waiting", "inspecting": "inspecting", "done": "done"}.get(
            upload.state, "failed"
        )

    @property
    def verdict(self) -> str:
        """The blob's verdict; pending until there is one, unreadable when the upload failed."""
        if self.blob_id:
            return self.blob.verdict
        return Verdict.UNREADABLE if self.state == "failed" else Verdict.PENDING


class Tombstone(models.Model):
    """What became of a file that was once public. Its hashes lead here for ever."""

    class Cause(models.TextChoices):
        DELETED = "deleted"
        TAKEN_DOWN = "taken_down"

    cause = models.CharField(max_length=16, choices=Cause)
    owner_name = models.CharField(max_length=96)
    model_title = models.CharField(max_length=120)
    model_name = models.CharField(max_length=96)
    version_name = models.CharField(max_length=100)
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.owner_name}/{self.model_name} {self.file_name}"


class TombstoneHash(models.Model):
    """One digest of a file that is gone."""

    tombstone = models.ForeignKey(Tombstone, models.CASCADE, related_name="hashes")
    kind = models.CharField(max_length=8, choices=HashKind)
    value = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["value"], name="tombstone_by_hash")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class DownloadBatch(models.Model):
    """Download counts that have been added up, so that the same ones are never added twice."""

    id = models.UUIDField(primary_key=True)
    folded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"batch {self.pk}"
