"""Moderators at once: whatever their decisions hold, they hold it in one order, so that none waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from community.errors import Conflict
from community.models import BlockedHash, Case, Decision, Subject
from community.services.deciding import Act, Order, decide
from community.services.queue import decide_group
from community.services.reporting import report
from gallery.models import Image
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import first, painted, posted
from tests.gallery.test_moderation import scene

pytestmark = pytest.mark.django_db(transaction=True)
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def _run(acts: list[Callable[[], object]], failures: list[Exception]) -> list[threading.Thread]:
    """Each act in a connection of its own."""

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as failure:  # told to the test
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    return threads


def _until_waiting(threads: list[threading.Thread], count: int) -> None:
    """Until so many of them wait for what another connection holds."""
    for _look in range(2_000):
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            waiting = cursor.fetchone()[0]
        if waiting >= count or not any(thread.is_alive() for thread in threads):
            return
        threads[0].join(0.01)
    raise AssertionError("they do not wait")


def test_two_removals_that_block_the_same_bytes_end_both():
    data = painted()
    images = [first(posted(UserFactory(), data)) for _copy in range(2)]
    moderators = [ModeratorFactory(), ModeratorFactory()]
    order = Order(Act.REMOVE, rule="illegal", block=True)
    failures: list[Exception] = []

    with transaction.atomic():
        # Somebody else blocks these bytes, and is not done yet: both get as far as they can, and hold what they hold.
        held = BlockedHash.objects.create(
            sha256=images[0].picture.blob_id, rule="illegal", reason="No.", actor=moderators[0]
        )
        acts = [
            lambda image=image, moderator=moderator: decide(image.subject, order, by=moderator)
            for image, moderator in zip(images, moderators, strict=True)
        ]
        threads = _run(acts, failures)
        _until_waiting(threads, 2)
        held.delete()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert set(Image.objects.values_list("state", flat=True)) <= {"removed", "held"}
    assert Decision.objects.count() == 2


def test_two_groups_that_overlap_are_decided_one_after_the_other():
    images = [first(posted(UserFactory(), scene(7, quality=quality))) for quality in (0, 90)]
    subjects = [image.subject for image in images]
    for subject in subjects:
        report(subject, "spam", by=UserFactory())
    cases = [Case.objects.get(subject=subject) for subject in subjects]
    order, failures = Order(Act.HOLD, rule="spam"), []

    with transaction.atomic():
        list(Subject.objects.filter(pk__in=[subject.pk for subject in subjects]).select_for_update())
        acts = [
            lambda: decide_group(cases[0], [subjects[1].pk], order, by=ModeratorFactory()),
            lambda: decide_group(cases[1], [subjects[0].pk], order, by=ModeratorFactory()),
        ]
        threads = _run(acts, failures)
        _until_waiting(threads, 2)
    for thread in threads:
        thread.join(60)

    assert [type(failure) for failure in failures] == [Conflict]  # the second finds its case decided
    assert set(Image.objects.values_list("state", flat=True)) == {"held"}
    assert not Case.objects.open().exists()
