"""What pages ask about people and about the site's way in."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from community.models import User
from community.services import accounts

register = template.Library()


@register.filter
def may_invite(person: User | AnonymousUser) -> bool:
    """Whether this person may let others in."""
    return person.is_authenticated and accounts.may_invite(person)


@register.simple_tag
def mail_is_sent() -> bool:
    """Whether mail leaves this machine. If not, it lies in the data folder, and pages say so."""
    return settings.MAIL_IS_SENT
