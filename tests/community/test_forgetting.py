"""Notices that go again: reactions that were taken back, and what was read long ago."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as site
from django.urls import reverse
from django.utils import timezone

from community.models import Notice, NoticeEvent, User
from community.services import forgetting
from community.services.discussion import edit_comment, post_comment
from community.services.forgetting import sweep_notices
from community.services.notifications import mark_read, notices_page, unread_count
from community.services.reacting import react, take_back
from community.services.topics import begin_topic, edit_topic
from community.services.wording import tell
from tests.community.test_notifications import at_once
from tests.factories import SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def sentences(person):
    return [told.sentence for told in tell(notices_page(person).items)]


def click(client, person, subject, act):
    client.force_login(person)
    return client.post(reverse("community:react", args=[subject.pk]), {act: "like"})


def aged(days, **fields):
    """All notices as they would stand so many days later."""
    moment = timezone.now() - timedelta(days=days)
    Notice.objects.update(latest_at=moment, **({"read_at": moment} | fields))


def test_a_reaction_that_is_taken_back_unread_leaves_no_notice(client):
    subject, person = SubjectFactory(title="Ink", address="/discuss"), UserFactory()
    click(client, person, subject, "give")
    assert unread_count(subject.owner) == 1

    click(client, person, subject, "take")

    assert (unread_count(subject.owner), sentences(subject.owner)) == (0, [])
    assert not NoticeEvent.objects.exists()


def test_a_notice_of_many_reactions_goes_on_without_the_one_that_was_taken_back():
    subject = SubjectFactory(title="Ink")
    people = [UserFactory(username=f"p{number}") for number in range(5)]
    for person in people:
        react(subject, "like", by=person)

    take_back(subject, "like", by=people[4])

    notice = Notice.objects.get()
    assert (notice.event_count, notice.actor_count) == (4, 4)
    assert notice.actor_ids == [people[3].pk, people[2].pk, people[1].pk]
    assert notice.latest_at == notice.events.latest("pk").created_at
    take_back(subject, "like", by=people[0])
    take_back(subject, "like", by=people[3])
    assert sentences(subject.owner) == ["p2 and p1 liked “Ink”."]


def test_only_the_reaction_that_was_taken_back_goes_from_the_notices():
    subject, person = SubjectFactory(title="Ink"), UserFactory(username="mira")
    react(subject, "like", by=person)
    react(subject, "heart", by=person)

    take_back(subject, "like", by=person)

    assert sentences(subject.owner) == ["mira gave “Ink” a heart."]


def test_what_was_read_is_not_rewritten():
    subject, person = SubjectFactory(title="Ink"), UserFactory(username="mira")
    react(subject, "like", by=person)
    mark_read(subject.owner)

    take_back(subject, "like", by=person)

    assert sentences(subject.owner) == ["mira liked “Ink”."]


def test_a_reaction_taken_back_unread_and_given_again_is_told_once():
    subject, person = SubjectFactory(title="Ink"), UserFactory(username="mira")
    for _again in range(3):
        react(subject, "like", by=person)
        take_back(subject, "like", by=person)
    react(subject, "like", by=person)

    assert [notice.event_count for notice in Notice.objects.all()] == [1]
    assert sentences(subject.owner) == ["mira liked “Ink”."]


def test_taking_back_what_was_told_to_nobody_is_no_fault():
    subject = SubjectFactory()
    react(subject, "like", by=subject.owner)

    assert take_back(subject, "like", by=subject.owner)


@pytest.mark.django_db(transaction=True)
def test_notices_stay_right_while_many_people_change_their_minds_at_once():
    subject = SubjectFactory()
    people = list(User.objects.filter(pk__in=[person.pk for person in UserFactory.create_batch(12)]))

    def change(number):
        react(subject, "like", by=people[number])
        if number % 2:
            take_back(subject, "like", by=people[number])

    at_once(change, 12)

    notice = Notice.objects.get()
    assert (notice.event_count, notice.actor_count, notice.events.count()) == (6, 6, 6)
    assert set(notice.actor_ids) <= {person.pk for person in people[::2]}


def read_and_old(number=1):
    for _each in range(number):
        react(SubjectFactory(), "like", by=UserFactory())


def test_what_was_read_goes_after_its_days():
    read_and_old(3)
    aged(site.NOTICE_DAYS + 1)

    assert sweep_notices() == 3
    assert not Notice.objects.exists()
    assert sweep_notices() == 0


@pytest.mark.parametrize(
    ("days", "fields"),
    [(89, {}), (1000, {"read_at": None})],
    ids=["read lately", "never read"],
)
def test_what_is_young_or_unread_stays(days, fields):
    read_and_old()
    aged(days, **fields)

    assert sweep_notices() == 0
    assert Notice.objects.count() == 1


def test_the_days_are_the_operators_to_choose(settings):
    settings.NOTICE_DAYS = 7
    read_and_old()
    aged(8)

    assert sweep_notices() == 1


def test_many_old_notices_go_in_batches(monkeypatch):
    monkeypatch.setattr(forgetting, "BATCH", 2)
    read_and_old(5)
    aged(100)

    assert sweep_notices() == 5


def test_beat_sweeps_notices():
    assert "community.sweep_notices" in {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}


def test_an_edit_tells_nobody_again_whose_notice_was_swept():
    mira, author = UserFactory(username="mira"), UserFactory()
    comment = post_comment(SubjectFactory(owner=author), "@mira", by=author)
    topic = begin_topic("A topic", "@mira", by=author)
    aged(100)
    sweep_notices()

    edit_comment(comment, "@mira and more", by=author)
    edit_topic(topic, "A topic", "@mira and more", [], by=author)

    assert not Notice.objects.filter(person=mira).exists()
