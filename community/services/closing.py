"""Closed accounts: whose account moderators closed asks for another look by a signed link, and does nothing else.

Nobody can sign in to a closed account. The link is given to whoever knows its name and password, and sent to its mail
address; it names one decision, shows that decision alone and takes one appeal. It opens no session.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from community.models import Decision, User

# How long a link works.
LASTS: Final = timedelta(days=30)
_signer: Final = TimestampSigner(salt="community.closed")


def closing_of(person: User) -> Decision | None:
    """The decision by which somebody's account is closed; None for an open one, and for one that is shut otherwise."""
    if person.is_active:
        return None
    about = Decision.objects.filter(owner=person, kind="person").exclude(act=Decision.Act.KEEP)
    last = about.select_related("owner", "subject").order_by("-pk").first()
    return last if last is not None and last.act == Decision.Act.REMOVE else None


def closed_address(person: User) -> str:
    """Where somebody whose account moderators closed reads why, and appeals; empty where there is nothing to read."""
    decision = closing_of(person)
    return _address(decision) if decision else ""


def _address(decision: Decision) -> str:
    return reverse("community:closed", args=[_signer.sign(str(decision.pk))])


def closed_by_code(code: str) -> Decision | None:
    """The decision that a link names, as long as it closes an account; None for links that are not ours or old."""
    try:
        number = int(_signer.unsign(code, max_age=LASTS))
    except (BadSignature, ValueError):
        return None
    decision = Decision.objects.select_related("owner").filter(pk=number).first()
    if decision is None or decision.owner is None:
        return None
    return decision if closing_of(decision.owner) == decision else None


def write_to_closed(decision: Decision) -> None:
    """Have somebody told by mail that their account was closed, why, and where to appeal. After the transaction."""
    person = decision.owner
    if person is None or not person.email:
        return

    def send() -> None:
        _message(person, decision).send(fail_silently=True)

    transaction.on_commit(send, robust=True)


def _message(person: User, decision: Decision) -> EmailMessage:
    with override(person.language or settings.LANGUAGE_CODE):
        context = {
            "person": person,
            "reason": decision.reason,
            "site": settings.SITE_NAME,
            "address": f"{settings.SITE_URL}{_address(decision)}",
            "days": LASTS.days,
        }
        subject = _("Your account on %(site)s was closed") % {"site": settings.SITE_NAME}
        return EmailMessage(subject, render_to_string("community/email/closed.txt", context), to=[person.email])
