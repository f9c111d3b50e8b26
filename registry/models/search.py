"""The narrow row that searching reads."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from registry.models.catalog import RegisteredModel


class ModelSearch(models.Model):
    """One row a public model, written in the transaction that changes what it says; none for the rest."""

    model = models.OneToOneField(RegisteredModel, models.CASCADE, primary_key=True, related_name="search")
    words = SearchVectorField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    title = models.CharField(max_length=240, help_text="Unaccented, lower case; for names that sound alike.")
    type = models.CharField(max_length=24)
    base_models = ArrayField(models.CharField(max_length=40), default=list)
    tag_ids = ArrayField(models.IntegerField(), default=list)
    rights = models.PositiveSmallIntegerField(default=0, help_text="Effective rights, as permission bits.")
    rating = models.PositiveSmallIntegerField(default=0)
    downloads = models.PositiveBigIntegerField(default=0)
    first_published_at = models.DateTimeField(help_text="When its first version came out.")
    published_at = models.DateTimeField(help_text="When its newest version came out.")

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="search_words", fastupdate=False),
            GinIndex(fields=["title"], name="search_title_trigrams", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["tag_ids"], name="search_tags"),
            GinIndex(fields=["base_models"], name="search_bases"),
            models.Index(fields=["-downloads", "-model"], name="search_most_downloaded"),
            models.Index(fields=["-first_published_at", "-model"], name="search_newest"),
            models.Index(fields=["-published_at", "-model"], name="search_updated"),
            models.Index(fields=["type", "-downloads", "-model"], name="search_type_downloads"),
        ]

    def __str__(self) -> str:
        return self.title


class SearchWord(models.Model):
    """A word that stands in some title or tag, so that a mistyped one can be put right. Holds no more than the word."""

    word = models.CharField(max_length=60, primary_key=True)

    class Meta:
        indexes = [GinIndex(fields=["word"], name="search_word_trigrams", opclasses=["gin_trgm_ops"])]

    def __str__(self) -> str:
        return self.word
