"""What people can talk about, and the talk."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from community.ratings import bits_of, browsing_level_of, unions_beyond


class SubjectQuerySet(models.QuerySet["Subject"]):
    def visible_to(self, user) -> SubjectQuerySet:
        """Public ones within the viewer's level, this person's own, and all for moderators.

        An image has one rating, which must lie within the level; of a model's, any, and its reviews are rated as it is.
        """
        if user.is_authenticated and user.is_moderator:
            return self
        level = browsing_level_of(user)
        shown = Q(is_public=True) & (~Q(kind="image") | Q(rating__in=bits_of(level)))
        if beyond := unions_beyond(level):
            shown &= ~Q(kind__in=["model", "review"], rating__in=beyond)
        return self.filter(shown | Q(owner=user)) if user.is_authenticated else self.filter(shown)


class Subject(models.Model):
    """Whatever can be talked about, followed, hidden or reported: a model, an image, a topic, a person.

    It carries what those need and nothing else. The room that owns the real thing writes it in the same
    transaction; this app never learns who that is.
    """

    # A tag is nobody's.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="subjects")
    kind = models.CharField(max_length=24)
    title = models.CharField(max_length=200)
    address = models.CharField(max_length=300, help_text="Path on this site, beginning with a slash.")
    is_public = models.BooleanField(default=False)
    rating = models.PositiveSmallIntegerField(default=0, help_text="Union of rating bits; 0 = not rated yet.")
    comments_open = models.BooleanField(default=True)
    comment_count = models.PositiveIntegerField(default=0)
    follower_count = models.PositiveIntegerField(default=0)
    like_count = models.PositiveIntegerField(default=0)
    heart_count = models.PositiveIntegerField(default=0)
    laugh_count = models.PositiveIntegerField(default=0)
    cry_count = models.PositiveIntegerField(default=0)
    reaction_count = models.PositiveIntegerField(default=0, help_text="Of all four kinds; what lists are sorted by.")
    counts_changed = models.BooleanField(
        default=False, db_default=False, help_text="Since they were last copied to where lists read them."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(kind="tag"), name="subject_has_owner_or_is_tag"
            ),
            models.UniqueConstraint(fields=["owner"], condition=Q(kind="person"), name="subject_one_per_person"),
            models.UniqueConstraint(Lower("title"), condition=Q(kind="tag"), name="subject_one_per_tag"),
        ]
        indexes = [
            models.Index(fields=["kind", "-reaction_count", "-id"], name="subject_most_reacted"),
            models.Index(fields=["id"], condition=Q(counts_changed=True), name="subject_counts_changed"),
        ]

    def __str__(self) -> str:
        return self.title


class CommentQuerySet(models.QuerySet["Comment"]):
    def standing(self) -> CommentQuerySet:
        """Neither deleted by its author nor removed by a moderator."""
        return self.filter(deleted_at__isnull=True, removed_at__isnull=True)

    def visible_to(self, user) -> CommentQuerySet:
        """Those under subjects that this person may see, with their subjects."""
        return self.filter(subject__in=Subject.objects.visible_to(user)).select_related("subject", "author")

    def for_thread(self, without: Collection[int] = ()) -> CommentQuerySet:
        """Top-level comments first to last with what a page shows of them, replies included.

        `without` are people, by id, whose words are left out.
        """
        answers = self.model.objects.exclude(author__in=without)
        replies = models.Prefetch("replies", answers.select_related("author").order_by("created_at", "pk"))
        return (
            self.filter(parent__isnull=True)
            .exclude(author__in=without)
            .select_related("author")
            .prefetch_related(replies)
            .order_by("created_at", "pk")
        )


class Comment(models.Model):
    """Words under a subject. Threads are one level deep: a reply's parent is never a reply."""

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="replies")
    text = models.TextField(max_length=10_000)
    mentions = ArrayField(
        models.CharField(max_length=96), default=list, blank=True, help_text="People whom the text names."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="removed_comments"
    )
    removal_reason = models.CharField(max_length=500, blank=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["subject", "created_at"], name="comment_by_subject")]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def stands(self) -> bool:
        """Whether its words are shown; if not, the page says why they are not."""
        return self.deleted_at is None and self.removed_at is None
