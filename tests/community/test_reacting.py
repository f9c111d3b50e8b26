"""Reactions: one of each kind a person, counted exactly."""

from __future__ import annotations

import pytest

from community.errors import Conflict, InvalidInput, RateLimited
from community.models import Reaction, Subject, User
from community.services.reacting import react, reactions_by, reactions_received, take_back
from tests.community.test_notifications import at_once
from tests.factories import SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def counts(subject):
    fields = ("like_count", "heart_count", "laugh_count", "cry_count", "reaction_count")
    return Subject.objects.values_list(*fields).get(pk=subject.pk)


def test_each_kind_stands_once_and_is_counted():
    subject, person = SubjectFactory(), UserFactory()

    changes = [react(subject, kind, by=person) for kind in ("like", "like", "heart", "cry", "laugh", "laugh")]

    assert changes == [True, False, True, True, True, False]
    assert counts(subject) == (1, 1, 1, 1, 4)
    assert reactions_by(person, [subject.pk]) == {subject.pk: {"like", "heart", "cry", "laugh"}}


def test_what_was_taken_back_is_not_counted():
    subject, person = SubjectFactory(), UserFactory()
    react(subject, "like", by=person)

    changes = [take_back(subject, "like", by=person) for _again in range(2)]

    assert changes == [True, False]
    assert counts(subject) == (0, 0, 0, 0, 0)
    assert not Reaction.objects.exists()


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(InvalidInput) as refusal:
        react(SubjectFactory(), "angry", by=UserFactory())

    assert refusal.value.field == "kind"


@pytest.mark.parametrize("kind", ["person", "tag", "topic", "collection"])
def test_only_images_and_models_take_reactions(kind):
    subject = SubjectFactory(kind=kind)

    with pytest.raises(Conflict):
        react(subject, "like", by=UserFactory())


def test_reactions_are_limited(settings):
    settings.RATES = {**settings.RATES, "reaction": (1, 3600)}
    person = UserFactory()
    react(SubjectFactory(), "like", by=person)

    with pytest.raises(RateLimited):
        react(SubjectFactory(), "like", by=person)


def test_what_somebody_received_is_summed_over_public_work_alone():
    person = UserFactory()
    for public in (True, True, False):
        react(SubjectFactory(owner=person, is_public=public), "like", by=UserFactory())

    assert reactions_received(person) == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_people_who_click_at_once_are_counted_exactly():
    subject = SubjectFactory()
    people = list(User.objects.filter(pk__in=[person.pk for person in UserFactory.create_batch(50)]))

    def click(number):
        react(subject, "like", by=people[number])
        react(subject, "heart", by=people[number])
        if number % 2:
            take_back(subject, "heart", by=people[number])

    at_once(click, 50)

    assert counts(subject) == (50, 25, 0, 0, 75)
    assert Reaction.objects.filter(subject=subject).count() == 75


@pytest.mark.django_db(transaction=True)
def test_one_person_who_clicks_fifty_times_at_once_is_counted_once():
    subject, person = SubjectFactory(), UserFactory()

    at_once(lambda _number: react(subject, "like", by=person), 50)

    assert counts(subject) == (1, 0, 0, 0, 1)
