"""The daily mail of those who asked for it: what is new and unread, in plain text, with a way to end it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.signing import BadSignature, Signer
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext, override

from community.models import Notice, User
from community.services.wording import tell

# One mail a person within this time; a little less than a day, so that it does not wander through the day.
EVERY: Final = timedelta(hours=23)
MOST_LINES: Final = 40
_AT_ONCE: Final = 500
_signer: Final = Signer(salt="community.digest")

logger = logging.getLogger(__name__)


@shared_task(name="community.send_digests")
def send_digests() -> int:
    """Write to everybody whose last mail is a day old and who has something new; gives back to how many.

    It is noted before the mail goes out: a mail that is lost is better than one that comes twice.
    """
    return sum(_send(person) for person in _due().order_by("pk")[:_AT_ONCE])


def _due() -> QuerySet[User]:
    long_ago = Q(digest_sent_at__isnull=True) | Q(digest_sent_at__lt=timezone.now() - EVERY)
    waiting = Notice.objects.unread().filter(person=OuterRef("pk"), mailed_at__isnull=True)
    people = User.objects.filter(Q(mail_digest=True, is_active=True) & ~Q(email=""))
    return people.filter(long_ago, Exists(waiting))


def _send(person: User) -> bool:
    rows = Notice.objects.shown_to(person).unread().filter(mailed_at__isnull=True).select_related("subject")
    notices = list(rows.order_by("-latest_at")[: MOST_LINES + 1])
    if not _take(person) or not notices:
        return False
    with override(person.language or settings.LANGUAGE_CODE):
        message = _message(person, notices)
    try:
        message.send()
    except OSError as error:  # a mail server that is away: the page has it all the same
        logger.warning("the daily mail for person %s was not sent: %s", person.pk, error)
        return False
    return True


def _take(person: User) -> bool:
    """Note that this person's mail is written now; False where another worker did."""
    now = timezone.now()
    mine = _due().filter(pk=person.pk).update(digest_sent_at=now)
    Notice.objects.unread().filter(person=person, mailed_at__isnull=True).update(mailed_at=now)
    return bool(mine)


def _message(person: User, notices: list[Notice]) -> EmailMessage:
    base = settings.SITE_URL
    end = f"{base}{reverse('community:unsubscribe', args=[unsubscribe_code(person)])}"
    shown = tell(notices[:MOST_LINES])
    context = {
        "person": person,
        "lines": [(told.sentence, f"{base}{told.address}") for told in shown],
        "more": len(notices) > MOST_LINES,
        "all": f"{base}{reverse('community:notifications')}",
        "end": end,
        "site": settings.SITE_NAME,
    }
    subject = ngettext("%(count)d new notice on %(site)s", "%(count)d new notices on %(site)s", len(shown))
    return EmailMessage(
        subject % {"count": len(shown), "site": settings.SITE_NAME},
        render_to_string("community/email/digest.txt", context),
        None,
        [person.email],
        headers={"List-Unsubscribe": f"<{end}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )


def unsubscribe_code(person: User) -> str:
    """What the link at the end of a mail carries: it ends that person's mail, and can do nothing else."""
    return _signer.sign(str(person.pk))


def unsubscribe(code: str) -> User | None:
    """End the mail of whom `code` belongs to; None for a code that is not ours."""
    person = person_of(code)
    if person is not None:
        User.objects.filter(pk=person.pk).update(mail_digest=False)
    return person


def person_of(code: str) -> User | None:
    """Whom a code belongs to."""
    try:
        return User.objects.filter(pk=int(_signer.unsign(code))).first()
    except (BadSignature, ValueError):
        return None
