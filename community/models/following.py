"""What a person wants to hear of, and what they do not want to see."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from community.models.subjects import Subject


class Follow(models.Model):
    """Somebody wants notices of what is new about a person, a model, a tag, a collection or a topic."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="follows")
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "subject"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.person} follows {self.subject}"


class Mute(models.Model):
    """Somebody does not want to see a person, a model, an image, a tag or a topic, nor to hear of it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mutes")
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="mutes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "subject"], name="mute_once")]

    def __str__(self) -> str:
        return f"{self.person} hides {self.subject}"
