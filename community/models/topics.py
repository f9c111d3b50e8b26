"""Talk that belongs to no model."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from community.models.subjects import Subject


class TopicQuerySet(models.QuerySet["Topic"]):
    def visible_to(self, user) -> TopicQuerySet:
        """Public ones, this person's own, and all of them for moderators."""
        if not user.is_authenticated:
            return self.filter(subject__is_public=True)
        if user.is_moderator:
            return self
        return self.filter(Q(subject__is_public=True) | Q(author=user))

    def for_lists(self) -> TopicQuerySet:
        return self.select_related("subject", "author").defer("text")


class Topic(models.Model):
    """A question or a thought of somebody's, with tags; the talk under it is its subject's."""

    subject = models.OneToOneField(Subject, models.CASCADE, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="topics")
    title = models.CharField(max_length=200)
    text = models.TextField(max_length=10_000, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="In lower case.")
    mentions = ArrayField(models.CharField(max_length=96), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    spoken_at = models.DateTimeField(help_text="When it was begun or last answered; what lists are sorted by.")

    objects = TopicQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex(fields=["tags"], name="topic_tags"),
            models.Index(fields=["-spoken_at", "-id"], name="topic_lively"),
            models.Index(fields=["-created_at", "-id"], name="topic_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("community:topic", args=[self.pk])


class TopicSearch(models.Model):
    """What searching reads of a topic, written in the transaction that changes what it says."""

    topic = models.OneToOneField(Topic, models.CASCADE, primary_key=True, related_name="search")
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="topic_search_words", fastupdate=False)]

    def __str__(self) -> str:
        return f"search row of topic {self.topic_id}"
