"""Named works and their releases."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from community.names import is_name
from community.ratings import RATING_CHOICES, Rating, browsing_level_of, unions_beyond
from registry.formats.catalog import base_model, model_type
from registry.models.tags import Tag


class RegisteredModelQuerySet(models.QuerySet["RegisteredModel"]):
    def visible_to(self, user) -> RegisteredModelQuerySet:
        """Public ones within the viewer's level, this person's own, and all of them for moderators.

        A model lies within a level that holds its declared rating or that of any of its pictures, and one without
        either within every level.
        """
        if user.is_authenticated and user.is_moderator:
            return self
        shown = Q(subject__is_public=True)
        if beyond := unions_beyond(browsing_level_of(user)):
            shown &= ~Q(subject__rating__in=beyond)
        return self.filter(shown | Q(owner=user)) if user.is_authenticated else self.filter(shown)

    def named(self, owner: str, name: str) -> RegisteredModelQuerySet:
        """The one at `/{owner}/{name}`, regardless of case. No row for what can be no address, such as a NUL."""
        if not (is_name(owner) and is_name(name)):
            return self.none()
        # Lower(), as the unique indexes have it; `iexact` would compare in upper case and find no index.
        rows = self.alias(low_owner=Lower("owner__username"), low_name=Lower("name"))
        return rows.filter(low_owner=owner.lower(), low_name=name.lower())

    def for_cards(self) -> RegisteredModelQuerySet:
        """With what a list shows of each, at a fixed number of queries; long texts are left where they lie.

        `published_versions` holds the public versions with their files and blobs, newest first.
        """
        published = models.Prefetch(
            "versions",
            ModelVersion.objects.published()
            .defer("notes", "license_text")
            .prefetch_related("files__blob")
            .order_by("-published_at", "-pk"),
            to_attr="published_versions",
        )
        return (
            self.select_related("owner", "subject", "search")
            .defer("description", "license_text")
            .prefetch_related("tags", published)
        )


class RegisteredModel(models.Model):
    """A named work with an owner, at `/{owner}/{name}`. Its files live in its versions.

    Licence and permissions are chosen, never defaulted, and frozen into each version when it is published.
    """

    subject = models.OneToOneField("community.Subject", models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="models")
    title = models.CharField(max_length=120)
    name = models.CharField(max_length=96)
    type = models.CharField(max_length=24, help_text="An id of registry/formats/data/model_types.toml.")
    description = models.TextField(blank=True, max_length=40_000)
    license = models.CharField(max_length=64, blank=True, help_text="An id of the licence list; empty: not chosen.")
    license_text = models.TextField(blank=True, max_length=20_000, help_text="For a licence of the author's own.")
    permissions = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Permission bits; null: not chosen."
    )
    render_here = models.BooleanField(
        null=True, help_text="Whether others may render with it on this site; null: not chosen, which is a no."
    )
    declared_rating = models.PositiveSmallIntegerField(
        choices=[(0, ""), *RATING_CHOICES],
        default=0,
        db_default=0,
        help_text="What it makes, by its author; 0: as its pictures are.",
    )
    least_rating = models.PositiveSmallIntegerField(
        choices=[(0, ""), *RATING_CHOICES],
        default=0,
        db_default=0,
        help_text="By a moderator: its author declares no milder one.",
    )
    tags = models.ManyToManyField(Tag, related_name="models", blank=True)
    first_published_at = models.DateTimeField(null=True, editable=False)
    taken_down_at = models.DateTimeField(null=True, editable=False)
    taken_down_reason = models.CharField(max_length=500, blank=True)
    download_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RegisteredModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="model_name_unique_per_owner"),
            models.CheckConstraint(
                condition=Q(permissions__isnull=True) | Q(permissions__lt=64), name="model_permissions_are_six_bits"
            ),
            models.CheckConstraint(
                condition=Q(declared_rating__in=[0, *(int(r) for r in Rating)])
                & Q(least_rating__in=[0, *(int(r) for r in Rating)]),
                name="model_ratings_are_one_bit",
            ),
            # PG binds nobody: what is not declared is shown to whoever is shown PG, too.
            models.CheckConstraint(
                condition=Q(least_rating__lte=int(Rating.PG)) | Q(declared_rating__gte=models.F("least_rating")),
                name="model_rating_is_not_below_least",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("registry:model", args=[self.owner.username, self.name])

    @property
    def type_info(self):
        """The row of the model-type list: label, folders, how it is written into a prompt."""
        return model_type(self.type)

    @property
    def declared_rating_name(self) -> str:
        """The word of its declared rating, e.g. X; empty where its pictures speak for it."""
        return Rating(self.declared_rating).label if self.declared_rating else ""

    @property
    def is_named_for_good(self) -> bool:
        """The address is fixed at first publication; a later rename leaves a redirect."""
        return self.first_published_at is not None


class ModelRedirectQuerySet(models.QuerySet["ModelRedirect"]):
    def named(self, owner: str, name: str) -> ModelRedirectQuerySet:
        """The one at `/{owner}/{name}`, regardless of case."""
        if not (is_name(owner) and is_name(name)):
            return self.none()
        rows = self.alias(low_owner=Lower("owner__username"), low_name=Lower("name"))
        return rows.filter(low_owner=owner.lower(), low_name=name.lower())


class ModelRedirect(models.Model):
    """An address that a model once had."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=96)
    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="redirects")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelRedirectQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="redirect_unique_per_owner")]

    def __str__(self) -> str:
        return self.name


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def published(self) -> ModelVersionQuerySet:
        """In the public's hands: published, and its model not taken down."""
        return self.filter(state=ModelVersion.State.PUBLISHED, model__taken_down_at__isnull=True)

    def visible_to(self, user) -> ModelVersionQuerySet:
        """Everything published, this person's own whatever its state, and all of it for moderators."""
        if not user.is_authenticated:
            return self.published()
        if user.is_moderator:
            return self
        public = Q(state=ModelVersion.State.PUBLISHED, model__taken_down_at__isnull=True)
        return self.filter(public | Q(model__owner=user))

    def within_level_of(self, user) -> ModelVersionQuerySet:
        """Those of models that lie within the viewer's level, this person's own, and all of them for moderators.

        For lists, suggestions and pages, after `visible_to`: bytes and hashes are found by whoever has their address.
        """
        beyond = unions_beyond(browsing_level_of(user))
        if not beyond or (user.is_authenticated and user.is_moderator):
            return self
        within = ~Q(model__subject__rating__in=beyond)
        return self.filter(within | Q(model__owner=user)) if user.is_authenticated else self.filter(within)

    def renderable_by(self, user) -> ModelVersionQuerySet:
        """Those that this person may render with here: the rule of `registry.policies.can_render`."""
        if not user.is_authenticated:
            return self.none()
        public = Q(state=ModelVersion.State.PUBLISHED, model__render_here=True)
        return self.filter(public | Q(model__owner=user), model__taken_down_at__isnull=True)

    def with_files(self) -> ModelVersionQuerySet:
        """With what a page or an answer shows of the files, at a fixed number of queries."""
        return self.prefetch_related("files__blob__hashes", "files__upload__inspection")


class ModelVersion(models.Model):
    """One release of a model. Its files are fixed once it is published."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="versions")
    name = models.CharField(max_length=100)
    base_model = models.CharField(
        max_length=40, blank=True, help_text="An id of registry/formats/data/base_models.toml."
    )
    trained_words = ArrayField(models.CharField(max_length=400), default=list, blank=True)
    notes = models.TextField(blank=True, max_length=20_000)
    clip_skip = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    license = models.CharField(max_length=64, blank=True, editable=False)
    license_text = models.TextField(blank=True, editable=False)
    permissions = models.PositiveSmallIntegerField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawn_reason = models.CharField(max_length=500, blank=True)
    rating = models.PositiveSmallIntegerField(default=0, help_text="Union of its pictures' rating bits.")
    download_count = models.PositiveBigIntegerField(default=0)
    review_count = models.PositiveIntegerField(default=0)
    recommended_count = models.PositiveIntegerField(default=0, help_text="Of the reviews, those that recommend it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint("model", Lower("name"), name="version_name_unique_in_model"),
            models.CheckConstraint(
                condition=~Q(state="published")
                | Q(published_at__isnull=False, permissions__isnull=False) & ~Q(license=""),
                name="published_version_has_rights",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.name}"

    def get_absolute_url(self) -> str:
        return f"{self.model.get_absolute_url()}?version={self.pk}"

    @property
    def base_model_info(self):
        """The row of the base-model list, or None while none is chosen."""
        return base_model(self.base_model) if self.base_model else None

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT
