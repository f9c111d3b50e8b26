"""Renders: what was asked for, how far it is, what came of it."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from registry.models import Picture, Rendition, VersionPreview
from registry.models.pictures import shown_by
from registry.models.shown import ShownPicture

# Signs that a seed can have: from 0 to 2⁶⁴ − 1.
SEED_DIGITS = 20


_NOTE = """
    UPDATE inference_renderjob
    SET lease_until = coalesce(%s, lease_until), step = coalesce(%s, step), steps = coalesce(%s, steps)
    WHERE id = %s AND attempt = %s AND state = 'running' RETURNING cancel_asked_at IS NOT NULL
"""


class RenderJobQuerySet(models.QuerySet["RenderJob"]):
    def of(self, user: Any) -> RenderJobQuerySet:
        """This person's own: a render is never anybody else's to see."""
        return self.filter(maker=user) if user.is_authenticated else self.none()

    def open(self) -> RenderJobQuerySet:
        """Queued or running."""
        return self.filter(state__in=RenderJob.OPEN)

    def lost(self) -> RenderJobQuerySet:
        """Running ones whose worker has not been heard of for a lease."""
        return self.filter(state=RenderJob.State.RUNNING, lease_until__lt=timezone.now())


class RenderJob(models.Model):
    """One render. A worker claims it by an update that writes a new attempt token, and ends it under that token.

    `plan` is complete: a worker asks nobody what the request's versions are. Without a maker it is the site's own.
    """

    class Kind(models.TextChoices):
        INTERACTIVE = "interactive", _("Interactive")
        GRID = "grid", _("Grid")
        PREVIEW = "preview", _("Preview")
        VERIFY = "verify", _("Verify")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="renders")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.INTERACTIVE)
    rank = models.PositiveSmallIntegerField(default=0, help_text="Lower ranks are rendered first.")
    turn = models.BigIntegerField(default=0, help_text="The id of the person whose turn it takes; 0: the site's.")
    request = models.JSONField(help_text="As it was asked for.")
    plan = models.JSONField(help_text="The request with everything it names found.")
    versions = ArrayField(models.BigIntegerField(), default=list, help_text="Versions that it needs, checkpoint first.")
    checkpoint_sha = models.CharField(max_length=64)
    base_model = models.CharField(max_length=40, blank=True)
    family = models.CharField(max_length=24, blank=True)
    pictures = models.PositiveSmallIntegerField(default=1, help_text="How many pictures come of it.")
    work = models.FloatField(default=0, help_text="Seconds that one core would take, estimated.")
    memory = models.PositiveBigIntegerField(default=0, help_text="Estimated bytes that a device needs for it.")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempt = models.UUIDField(null=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True, help_text="Whoever has or had it last.")
    avoid_worker = models.CharField(max_length=100, blank=True, help_text="Leave it to others until `not_before`.")
    not_before = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    deadline_seconds = models.PositiveIntegerField(default=600, help_text="Of one attempt.")
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    error = models.JSONField(default=dict, blank=True, help_text="{code, field, params}; {traceback} for the staff.")
    cancel_asked_at = models.DateTimeField(null=True)
    is_kept = models.BooleanField(default=False, db_default=False, help_text="Its pictures do not go with time.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RenderJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(attempt__isnull=False, lease_until__isnull=False),
                name="running_render_is_claimed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"]) | Q(finished_at__isnull=False, attempt__isnull=True),
                name="ended_render_is_nobodys",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["preview", "verify"]) | Q(maker__isnull=False), name="persons_render_has_maker"
            ),
        ]
        indexes = [
            models.Index(fields=["rank", "turn", "queued_at"], condition=Q(state="queued"), name="render_queue"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="render_running"),
            models.Index(fields=["maker", "-created_at", "-id"], name="render_by_maker"),
            models.Index(fields=["turn", "-started_at"], name="render_turns"),
            models.Index(fields=["checkpoint_sha"], name="render_by_checkpoint"),
            models.Index(fields=["-finished_at"], condition=Q(state="failed"), name="render_failures"),
        ]

    def __str__(self) -> str:
        return f"render {self.pk} ({self.state})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def mine(self) -> RenderJobQuerySet:
        """This row while this attempt still holds it; updates through it change nothing once it is lost."""
        return RenderJob.objects.filter(pk=self.pk, attempt=self.attempt, state=self.State.RUNNING)

    def note(
        self, *, lease_until: datetime | None = None, step: int | None = None, steps: int | None = None
    ) -> bool | None:
        """Say that the work goes on. Whether it was called off meanwhile; None once the claim is lost.

        One statement, for a worker says it several times a second.
        """
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [lease_until, step, steps, self.pk, self.attempt])
            row = cursor.fetchone()
        return row[0] if row else None


class RenderInput(models.Model):
    """A picture that a render takes in. It is kept as long as what came of it, so that it can be made again."""

    job = models.ForeignKey(RenderJob, models.CASCADE, related_name="inputs")
    picture = models.ForeignKey(Picture, models.PROTECT, related_name="render_inputs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "picture"], name="one_input_per_picture")]

    def __str__(self) -> str:
        return f"picture {self.picture_id} of {self.job_id}"


class RenderResultQuerySet(models.QuerySet["RenderResult"]):
    def of(self, user: Any) -> RenderResultQuerySet:
        """This person's own: results are private to their maker. What is posted or a preview has its own address."""
        return self.filter(job__maker=user) if user.is_authenticated else self.none()

    def visible_to(self, user: Any) -> RenderResultQuerySet:
        """This person's own, and those that a preview which they may see shows."""
        shown = Q(rendered_preview__preview__in=VersionPreview.objects.visible_to(user))
        return self.filter(shown | Q(job__maker=user)) if user.is_authenticated else self.filter(shown)

    def with_shown(self) -> RenderResultQuerySet:
        """With `is_shown`: whether a preview is made of it, or something of its maker's shows the same picture.

        What others show is no concern of its maker's, not even that they do.
        """
        shown = Q(rendered_preview__isnull=False)
        same = {"job__maker": OuterRef("job__maker"), "picture": OuterRef("picture")}
        shown |= Q(Exists(RenderInput.objects.filter(**same)))
        for model, field in shown_by():
            if owner := getattr(model, "held_by", ""):
                own = {field: OuterRef("picture"), owner: OuterRef("job__maker")}
                shown |= Q(Exists(model.objects.filter(**own)))
        return self.annotate(is_shown=ExpressionWrapper(shown, models.BooleanField()))

    def for_display(self) -> RenderResultQuerySet:
        """With job, receipt, picture and renditions, in their order."""
        rows = self.select_related("job", "receipt", "picture__blob").prefetch_related("picture__renditions")
        return rows.order_by("index")


class RenderResult(ShownPicture, models.Model):
    """One picture of a render. Its id is in its media address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(RenderJob, models.CASCADE, related_name="results")
    index = models.PositiveSmallIntegerField(default=0)
    seed = models.DecimalField(max_digits=SEED_DIGITS, decimal_places=0)
    picture = models.ForeignKey(Picture, models.PROTECT, related_name="results")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RenderResultQuerySet.as_manager()

    class Meta:
        ordering = ["job", "index"]
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="one_result_per_index")]

    def __str__(self) -> str:
        return f"result {self.index} of {self.job_id}"

    @property
    def original_address(self) -> str:
        """Where the picture is served as it was rendered, to its maker alone."""
        return reverse("inference:result-original", args=[self.pk])

    def address_of(self, rendition: Rendition) -> str:
        """Where one of its smaller copies is served."""
        return reverse("inference:result-rendition", args=[self.pk, rendition.width, rendition.format])


class Receipt(models.Model):
    """How a result was made, exact enough to make it again. `body` is canonical JSON with the ids of this site."""

    result = models.OneToOneField(RenderResult, models.CASCADE, related_name="receipt", primary_key=True)
    body = models.TextField()
    image_hash = models.CharField(max_length=64, db_index=True, help_text="Of the pixels: prompts.receipt.image_hash.")

    def __str__(self) -> str:
        return f"receipt of {self.result_id}"

    @property
    def is_economical(self) -> bool:
        """Whether memory was short, so that it was rendered in slices and tiles."""
        return bool(json.loads(self.body)["environment"].get("economical"))


class Verification(models.Model):
    """A receipt rendered again, and what the comparison says."""

    class Outcome(models.TextChoices):
        PENDING = "pending", _("Pending")
        IDENTICAL = "identical", _("Identical")
        CLOSE = "close", pgettext_lazy("nearly the same", "Close")
        DIFFERENT = "different", _("Different")
        FAILED = "failed", _("Failed")

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="verifications")
    job = models.OneToOneField(RenderJob, models.CASCADE, related_name="verification")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    mean_difference = models.FloatField(null=True, help_text="Mean of the channels' differences, 0 … 255.")
    most_difference = models.PositiveSmallIntegerField(null=True, help_text="The largest of them.")
    environment = models.JSONField(default=dict, help_text="What differs: {name: [then, now]}.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.receipt_id}: {self.outcome}"
