"""What a classifier makes of a picture."""

from __future__ import annotations

from django.db import models

from registry.models import Picture


class PictureScore(models.Model):
    """How openly a picture shows what it shows, as a program guesses. It proposes; an author chooses, people decide."""

    picture = models.OneToOneField(Picture, models.CASCADE, primary_key=True, related_name="score")
    classifier = models.CharField(max_length=120, help_text="The dotted path of what gave the score.")
    score = models.FloatField(help_text="From 0, harmless, to 1.")
    proposed = models.PositiveSmallIntegerField(help_text="The rating bit that the score stands for.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(score__gte=0, score__lte=1), name="score_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.score:.2f} for {self.picture_id}"
