"""One click's worth of opinion."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from community.models.subjects import Subject


class Reaction(models.Model):
    """A person's reaction to an image or a model: one of each kind. The subject carries the counts."""

    class Kind(models.TextChoices):
        LIKE = "like", _("Like")
        HEART = "heart", _("Heart")
        LAUGH = "laugh", _("Laugh")
        CRY = "cry", _("Cry")

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="reactions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reactions")
    kind = models.CharField(max_length=8, choices=Kind)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "person", "kind"], name="reaction_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["like", "heart", "laugh", "cry"]), name="reaction_kind"
            ),
        ]
        indexes = [models.Index(fields=["person", "-created_at"], name="reaction_by_person")]

    def __str__(self) -> str:
        return f"{self.person}: {self.kind} {self.subject}"
