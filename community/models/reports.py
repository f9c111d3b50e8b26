"""What people report, what moderators decide about it, what its owner answers, and bytes that may not come back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from community.models.subjects import Comment, Subject


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> CaseQuerySet:
        """Those that wait for a decision."""
        return self.filter(closed_at__isnull=True)

    def for_queue(self) -> CaseQuerySet:
        """With what a moderator's list shows of each, at a fixed number of queries."""
        reports = Report.objects.select_related("reporter").order_by("pk")
        return self.select_related("subject__owner", "comment__author").prefetch_related(
            models.Prefetch("reports", reports, to_attr="told")
        )


class Case(models.Model):
    """One thing that waits for a decision, with all reports of it. A thing has at most one that is open."""

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="cases")
    comment = models.ForeignKey(Comment, models.CASCADE, null=True, blank=True, related_name="cases")
    report_count = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "comment"],
                condition=Q(closed_at__isnull=True),
                nulls_distinct=False,
                name="case_one_open_per_thing",
            )
        ]
        indexes = [
            models.Index(fields=["opened_at", "id"], condition=Q(closed_at__isnull=True), name="case_oldest"),
            models.Index(
                fields=["-report_count", "-id"], condition=Q(closed_at__isnull=True), name="case_most_reported"
            ),
        ]

    def __str__(self) -> str:
        return f"case {self.pk}: {self.subject}"


class Report(models.Model):
    """Somebody says that a thing breaks a rule. Without a person it is the site's own, or its reporter is gone."""

    class Source(models.TextChoices):
        PERSON = "person"
        CLASSIFIER = "classifier"
        BLOCK_LIST = "block_list"

    case = models.ForeignKey(Case, models.CASCADE, related_name="reports")
    source = models.CharField(max_length=16, choices=Source, default=Source.PERSON)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="reports"
    )
    rule = models.CharField(max_length=40, help_text="Id of a rule of `community.rules`.")
    text = models.TextField(max_length=1_000, blank=True)
    details = models.JSONField(default=dict, blank=True, help_text="What the site itself found.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "reporter"], name="report_once_while_open")]

    def __str__(self) -> str:
        return f"{self.rule} of {self.case}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user) -> DecisionQuerySet:
        """Those about this person's own things, and all for moderators."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_moderator else self.filter(owner=user)


class Decision(models.Model):
    """What a moderator decided about a thing, by which rule and why. Never edited.

    `title`, `kind` and `address` say what it was about, for the thing may be gone. The reason is public, the evidence
    is for moderators.
    """

    class Act(models.TextChoices):
        KEEP = "keep", _("Keep")
        HOLD = "hold", _("Hold")
        REMOVE = "remove", _("Remove")
        RATE = "rate", _("Change the rating")
        RESTORE = "restore", _("Restore")

    act = models.CharField(max_length=16, choices=Act)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="decisions")
    subject = models.ForeignKey(Subject, models.SET_NULL, null=True, blank=True, related_name="decisions")
    comment = models.ForeignKey(Comment, models.SET_NULL, null=True, blank=True, related_name="decisions")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="decisions_about"
    )
    kind = models.CharField(max_length=24)
    title = models.CharField(max_length=200)
    address = models.CharField(max_length=300)
    rule = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    evidence = models.TextField(max_length=2_000, blank=True)
    whole = models.BooleanField(default=False, help_text="Of an image: its whole post is meant.")
    rating_before = models.PositiveSmallIntegerField(null=True, blank=True)
    rating_after = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(act="rate") | Q(rating_after__isnull=False), name="decision_of_rating_names_it"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="decision_newest"),
            models.Index(fields=["subject", "-id"], name="decision_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.kind}: {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("community:decision", args=[self.pk])

    @property
    def can_be_appealed(self) -> bool:
        """Whether it took something from its owner."""
        return self.act in {self.Act.HOLD, self.Act.REMOVE, self.Act.RATE}


class Appeal(models.Model):
    """The owner of a thing asks for another look at a decision, once."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        UPHELD = "upheld", _("Upheld: the decision stands")
        OVERTURNED = "overturned", _("Overturned: the decision was undone")

    decision = models.OneToOneField(Decision, models.CASCADE, related_name="appeal")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="appeals")
    text = models.TextField(max_length=1_000, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="appeals_decided"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at", "id"], condition=Q(state="open"), name="appeal_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open") | Q(decided_at__isnull=False), name="decided_appeal_has_moment"
            )
        ]

    def __str__(self) -> str:
        return f"appeal of decision {self.decision_id}"


class BlockedHash(models.Model):
    """Bytes, or what they look like, that may not be shown again. Exactly one of the two is given."""

    sha256 = models.CharField(max_length=64, null=True, blank=True, unique=True)
    phash = models.BigIntegerField(null=True, blank=True, unique=True, help_text="As of registry.Picture.phash.")
    rule = models.CharField(max_length=40)
    reason = models.CharField(max_length=500)
    decision = models.ForeignKey(Decision, models.SET_NULL, null=True, blank=True, related_name="blocked")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="blocked_hashes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__isnull=False, phash__isnull=True) | Q(sha256__isnull=True, phash__isnull=False),
                name="blocked_hash_is_one",
            )
        ]

    def __str__(self) -> str:
        return self.sha256 or f"{(self.phash or 0) & (1 << 64) - 1:016x}"
