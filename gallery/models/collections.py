"""What people put together: models and images, in an order of their own."""

from __future__ import annotations

import secrets
import string

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

_SIGNS = string.ascii_letters + string.digits
# 62¹⁶ codes: an unlisted collection is seen by whoever was given its address, and by nobody who guesses.
CODE_LENGTH = 16


def new_code() -> str:
    """The part of an address that nobody can guess."""
    return "".join(secrets.choice(_SIGNS) for _sign in range(CODE_LENGTH))


class CollectionQuerySet(models.QuerySet["Collection"]):
    def listed_to(self, user) -> CollectionQuerySet:
        """Those that lists name: public ones, this person's own, and all of them for moderators."""
        shown = Q(visibility=Collection.Visibility.PUBLIC, removed_reason="")
        if not user.is_authenticated:
            return self.filter(shown)
        if user.is_moderator:
            return self
        return self.filter(shown | Q(owner=user))

    def reachable_by(self, user) -> CollectionQuerySet:
        """Those that this person may see where they have the address: unlisted ones, too."""
        shown = ~Q(visibility=Collection.Visibility.PRIVATE) & Q(removed_reason="")
        if not user.is_authenticated:
            return self.filter(shown)
        if user.is_moderator:
            return self
        return self.filter(shown | Q(owner=user))

    def with_counts(self) -> CollectionQuerySet:
        """With `shown_count`, how many of their things are public: a count says nothing of what is private."""
        return self.annotate(shown_count=models.Count("items", filter=Q(items__subject__is_public=True)))


class Collection(models.Model):
    """Somebody's models and images under one title. Whoever looks at it sees only what they may see of its things."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public: everybody finds it")
        UNLISTED = "unlisted", _("Unlisted: whoever has the address")
        PRIVATE = "private", _("Private: only you")

    subject = models.OneToOneField("community.Subject", models.CASCADE, related_name="collection")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="collections")
    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=new_code, editable=False)
    title = models.CharField(max_length=120)
    text = models.TextField(max_length=4_000, blank=True)
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.PRIVATE)
    removed_reason = models.CharField(
        max_length=500, blank=True, help_text="Why a moderator removed it; its owner still sees it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-updated_at", "-id"], name="collection_by_owner")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        slug = slugify(self.title)[:80]
        return reverse("gallery:collection", args=[f"{self.code}-{slug}" if slug else self.code])


class CollectionItem(models.Model):
    """One thing in a collection, known by its subject alone."""

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="items")
    subject = models.ForeignKey("community.Subject", models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "subject"], name="collection_holds_it_once")]
        indexes = [models.Index(fields=["collection", "position", "id"], name="collection_item_order")]

    def __str__(self) -> str:
        return f"{self.subject} in {self.collection}"
