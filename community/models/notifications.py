"""What a person is told of."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from community.models.subjects import Subject


class NoticeQuerySet(models.QuerySet["Notice"]):
    def shown_to(self, person) -> NoticeQuerySet:
        """This person's, without those of things that they may not see any more."""
        visible = Subject.objects.visible_to(person)
        return self.filter(Q(subject__isnull=True) | Q(subject__in=visible), person=person)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """One line on somebody's page of notices. Events of one kind about one thing gather in it until it is read."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("Comments on your work")
        REPLY = "reply", _("Answers to you")
        MENTION = "mention", _("Mentions of you")
        REVIEW = "review", _("Reviews of your models")
        REACTION = "reaction", _("Reactions to your work")
        FOLLOWER = "follower", _("New followers")
        VERSION = "version", _("New versions")
        MODEL = "model", _("New models")
        POST = "post", _("New pictures")
        COLLECTED = "collected", _("Additions to collections")
        TOPIC = "topic", _("New topics")
        FILE_BLOCKED = "file_blocked", _("Files that are no longer served")
        PREVIEW = "preview", _("Previews of your models")
        RENDER = "render", _("Finished renders")
        DECISION = "decision", _("Decisions of moderators")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind)
    subject = models.ForeignKey(Subject, models.CASCADE, null=True, blank=True, related_name="notices")
    params = models.JSONField(default=dict, blank=True, help_text="What the newest event's sentence names.")
    gathered = models.CharField(max_length=120, help_text="Unread notices of one person with the same are one.")
    event_count = models.PositiveIntegerField(default=0)
    actor_count = models.PositiveIntegerField(default=0)
    actor_ids = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text="Who acted last, newest first."
    )
    first_at = models.DateTimeField(auto_now_add=True)
    latest_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "gathered"], condition=Q(read_at__isnull=True), name="notice_gathers_while_unread"
            )
        ]
        indexes = [
            models.Index(fields=["person", "-latest_at", "-id"], name="notice_newest"),
            models.Index(fields=["person"], condition=Q(read_at__isnull=True), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person}"


class NoticeEvent(models.Model):
    """One thing that happened, told to one person once."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="events")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    event = models.CharField(max_length=120)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "event"], name="notice_event_once_a_person")]
        indexes = [models.Index(fields=["notice", "-id"], name="notice_event_newest")]

    def __str__(self) -> str:
        return self.event


class Announcement(models.Model):
    """Something new that followers are to be told of. A worker does it; the row waits until one has."""

    kind = models.CharField(max_length=16, choices=Notice.Kind)
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    followed_ids = ArrayField(models.BigIntegerField(), help_text="Subjects whose followers are told.")
    params = models.JSONField(default=dict, blank=True)
    event = models.CharField(max_length=120, unique=True)
    told_up_to = models.BigIntegerField(default=0, help_text="The last follower's id that was told.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.event
