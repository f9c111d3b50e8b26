"""Keys for programs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> ApiTokenQuerySet:
        """Neither revoked nor past its day, and its person still active."""
        alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at__isnull=True, user__is_active=True)


class ApiToken(models.Model):
    """A program's key. Only a SHA-256 digest is kept; the token itself is shown once."""

    class Scope(models.TextChoices):
        MODELS_READ = "models:read", _("Read models, drafts of one's own included")
        MODELS_WRITE = "models:write", _("Upload, edit and publish models; comment")
        IMAGES_WRITE = "images:write", _("Post images")
        RENDERS_WRITE = "renders:write", _("Start renders")
        SOCIAL_READ = "social:read", _("Read notices, follows and private collections")
        SOCIAL_WRITE = "social:write", _("React, follow, hide, collect and review")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    hint = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def allows(self, scope: str) -> bool:
        """Whether this token may act in `scope`. Writing includes reading."""
        held = set(self.scopes)
        return scope in held or (scope.endswith(":read") and scope.replace(":read", ":write") in held)
