"""The narrow row that lists of images read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from gallery.models.posts import Image


class ImageSearch(models.Model):
    """One row an image that the public can see, written in the transaction that changes what it says.

    The rating is in it, for each viewer's level decides in the query. `reactions` and `comments` are copies of the
    subject's counts, brought up by beat: lists are sorted by them.
    """

    image = models.OneToOneField(Image, models.CASCADE, primary_key=True, related_name="search")
    words = SearchVectorField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    rating = models.PositiveSmallIntegerField()
    base_models = ArrayField(models.CharField(max_length=40), default=list)
    tag_ids = ArrayField(models.IntegerField(), default=list)
    model_ids = ArrayField(models.BigIntegerField(), default=list)
    version_ids = ArrayField(models.BigIntegerField(), default=list)
    reactions = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField()

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="image_search_words", fastupdate=False),
            GinIndex(fields=["tag_ids"], name="image_search_tags"),
            GinIndex(fields=["version_ids"], name="image_search_versions"),
            GinIndex(fields=["model_ids"], name="image_search_models"),
            GinIndex(fields=["base_models"], name="image_search_bases"),
            models.Index(fields=["-published_at", "-image"], name="image_search_newest"),
            models.Index(fields=["-reactions", "-image"], name="image_search_reactions"),
            models.Index(fields=["-comments", "-image"], name="image_search_comments"),
            models.Index(fields=["owner", "-published_at", "-image"], name="image_search_owner"),
        ]

    def __str__(self) -> str:
        return f"search row of image {self.image_id}"
