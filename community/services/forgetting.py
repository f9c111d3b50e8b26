"""Notices that go again: of what was taken back before anybody read of it, and of what was read long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from community.models import Notice, NoticeEvent
from community.services.notifications import ACTORS_KEPT

# Notices that are deleted in one transaction, and batches of one run; the next run goes on.
BATCH: Final = 1_000
_BATCHES: Final = 100


@transaction.atomic
def untell(event: str, *, person_id: int) -> bool:
    """Take an event out of the notice that tells somebody of it, as long as that is unread; whether it was there.

    A notice of nothing goes. Only for kinds whose events all read the same: what the sentence names stays as it is.
    """
    found = NoticeEvent.objects.filter(event=event, person=person_id).first()
    if found is None:
        return False
    # Held as whoever adds an event holds it, so that neither loses the other's count.
    notice = Notice.objects.unread().select_for_update(of=("self",)).filter(pk=found.notice_id).first()
    if notice is None or not NoticeEvent.objects.filter(pk=found.pk).delete()[0]:
        return False
    _recount(notice)
    return True


def _recount(notice: Notice) -> None:
    events = NoticeEvent.objects.filter(notice=notice)
    newest = events.order_by("-pk").first()
    if newest is None:
        notice.delete()
        return
    actors = events.filter(actor__isnull=False)
    notice.event_count = events.count()
    notice.actor_count = actors.values("actor").distinct().count()
    notice.actor_ids = _last_actors(notice)
    notice.latest_at = newest.created_at
    notice.save(update_fields=["event_count", "actor_count", "actor_ids", "latest_at"])


def _last_actors(notice: Notice) -> list[int]:
    """Who acted last, newest first, each once."""
    acts = NoticeEvent.objects.filter(notice=notice, actor__isnull=False)
    last = acts.values("actor").annotate(newest=Max("pk")).order_by("-newest")
    return list(last.values_list("actor", flat=True)[:ACTORS_KEPT])


@shared_task(name="community.sweep_notices")
def sweep_notices() -> int:
    """Forget what was read and is older than `NOTICE_DAYS`; gives back how many notices went. Safe to run twice."""
    limit = timezone.now() - timedelta(days=settings.NOTICE_DAYS)
    gone = 0
    for _number in range(_BATCHES):
        ids = list(Notice.objects.filter(read_at__lt=limit, latest_at__lt=limit).values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        Notice.objects.filter(pk__in=ids, read_at__isnull=False).delete()
        gone += len(ids)
    return gone
