"""What workers and beat do for people: tell followers, and write the daily mail."""

from __future__ import annotations

from celery import shared_task

from community.services import digests, notifications


@shared_task(name=notifications.TELL_FOLLOWERS)
def tell_followers(announcement_id: int) -> None:
    notifications.tell_followers(announcement_id)


@shared_task(name="community.tell_all_waiting")
def tell_all_waiting() -> None:
    """Announcements whose message was lost."""
    notifications.tell_all_waiting()


@shared_task(name="community.send_digests")
def send_digests() -> None:
    digests.send_digests()
