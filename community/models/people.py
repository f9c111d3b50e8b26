"""People and how they come in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, AnonymousUser, UserManager
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from community.names import validate_owner_name
from community.ratings import RATING_CHOICES, Rating


class User(AbstractUser):
    """A person. `username` is their address on the site: `/{username}`, unique regardless of case."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member")
        MODERATOR = "moderator", _("Moderator")
        OPERATOR = "operator", _("Operator")

    username = models.CharField(
        _("user name"),
        max_length=96,
        unique=True,
        validators=[validate_owner_name],
        error_messages={"unique": _("A person with that name already exists.")},
    )
    first_name = None
    last_name = None
    email = models.EmailField(_("e-mail address"), blank=True)
    display_name = models.CharField(_("shown name"), max_length=80, blank=True)
    about = models.TextField(_("about you"), blank=True, validators=[MaxLengthValidator(4000)])
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)
    browsing_level = models.PositiveSmallIntegerField(default=int(Rating.PG))
    # How it is shown, never whether: see `browsing_level`.
    blur_from = models.PositiveSmallIntegerField(
        _("blur pictures from this rating on"), choices=RATING_CHOICES, null=True, blank=True
    )
    language = models.CharField(max_length=16, blank=True)
    mail_digest = models.BooleanField(_("mail me what is new, once a day"), default=False)
    digest_sent_at = models.DateTimeField(null=True, editable=False)

    objects = UserManager()

    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_name_unique_any_case",
                violation_error_message=_("A person with that name already exists."),
            ),
            models.CheckConstraint(
                condition=models.Q(browsing_level__gte=1, browsing_level__lte=31), name="user_level_is_rating_bits"
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("community:profile", args=[self.username])

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def is_moderator(self) -> bool:
        """Moderators and operators keep order."""
        return self.is_active and self.role in {self.Role.MODERATOR, self.Role.OPERATOR}

    @property
    def is_operator(self) -> bool:
        """Operators run the site and alone change roles."""
        return self.is_active and self.role == self.Role.OPERATOR


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Neither used nor past their day, and their maker still active."""
        return self.filter(used_at__isnull=True, expires_at__gt=timezone.now(), created_by__is_active=True)


# Whoever looks: a person, or somebody who is not signed in.
Viewer = User | AnonymousUser


class Invitation(models.Model):
    """A single-use way in on a site that is open by invitation. Only a digest of its code is kept."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_by = models.OneToOneField(User, models.SET_NULL, null=True, blank=True, related_name="invited_by")
    used_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
