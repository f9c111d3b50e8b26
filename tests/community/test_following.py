"""Follows and hides: of people, tags and things, and what follows from them."""

from __future__ import annotations

import pytest

from community.errors import Conflict, InvalidInput, RateLimited
from community.models import Follow, Mute, Notice, Subject
from community.services import following
from community.services.discussion import hidden_comments, thread_page
from community.services.following import (
    find_subject,
    follow,
    follows_of,
    hidden_by,
    hide,
    standing_of,
    subject_of_person,
    unfollow,
    unhide,
)
from tests.community.test_notifications import at_once
from tests.factories import CommentFactory, RegisteredModelFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_follow_is_counted_once_and_taken_back_once():
    subject, person = SubjectFactory(), UserFactory()

    changes = [follow(subject, by=person), follow(subject, by=person)]
    subject.refresh_from_db()
    followed = subject.follower_count
    changes += [unfollow(subject, by=person), unfollow(subject, by=person)]

    subject.refresh_from_db()
    assert changes == [True, False, True, False]
    assert (followed, subject.follower_count) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_followers_who_come_at_once_are_counted_exactly():
    subject, people = SubjectFactory(), UserFactory.create_batch(20)

    at_once(lambda number: follow(subject, by=people[number]), 20)

    subject.refresh_from_db()
    assert subject.follower_count == 20


def test_a_person_hears_of_a_new_follower():
    mira, ola = UserFactory(), UserFactory()
    follow(subject_of_person(mira), by=ola)

    assert Notice.objects.get().person == mira


@pytest.mark.parametrize("act", [follow, hide])
def test_nobody_follows_or_hides_themselves(act):
    person = UserFactory()

    with pytest.raises(InvalidInput):
        act(subject_of_person(person), by=person)


@pytest.mark.parametrize(("act", "limit"), [(follow, "MAX_FOLLOWS"), (hide, "MAX_HIDDEN")], ids=["follow", "hide"])
def test_there_is_an_end_to_what_one_follows_and_hides(monkeypatch, act, limit):
    monkeypatch.setattr(following, limit, 2)
    person = UserFactory()
    for subject in SubjectFactory.create_batch(2):
        act(subject, by=person)

    with pytest.raises(Conflict):
        act(SubjectFactory(), by=person)


@pytest.mark.parametrize("act", [follow, unfollow, hide, unhide])
def test_all_of_it_is_limited(settings, act):
    settings.RATES = {**settings.RATES, "write": (1, 3600)}
    person, subject = UserFactory(), SubjectFactory()
    act(subject, by=person)

    with pytest.raises(RateLimited):
        act(subject, by=person)


def test_what_is_hidden_is_followed_no_longer():
    subject, person = SubjectFactory(), UserFactory()
    follow(subject, by=person)

    hide(subject, by=person)

    standing = standing_of(subject, person)
    assert (standing.follows, standing.hides) == (False, True)


def test_what_somebody_hides_is_told_by_people_things_and_tags():
    person, loud, model = UserFactory(), UserFactory(), SubjectFactory()
    hide(subject_of_person(loud), by=person)
    hide(model, by=person)
    hide(find_subject("tags", "Spiders", person), by=person)

    hidden = hidden_by(person)

    assert (hidden.owners, hidden.subjects, hidden.tags) == ({loud.pk}, {model.pk}, {"spiders"})


def test_what_is_shown_again_is_shown_at_once():
    person, model = UserFactory(), SubjectFactory()
    hide(model, by=person)
    assert hidden_by(person)

    unhide(model, by=person)

    assert not hidden_by(person)


def test_asking_again_what_is_hidden_costs_no_query(django_assert_num_queries):
    person = UserFactory()

    with django_assert_num_queries(1):
        hidden_by(person)
        hidden_by(person)


@pytest.mark.parametrize("spelling", ["spiders", "SPIDERS", "  Spiders "])
def test_a_tag_has_one_subject_however_it_is_written(spelling):
    person = UserFactory()
    first = find_subject("tags", "Spiders", person)

    assert find_subject("tags", spelling, person) == first
    assert first.address == "/models?tag=Spiders"


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\0b"], ids=["empty", "blank", "long", "nul"])
def test_what_is_no_tag_has_no_subject(name):
    assert find_subject("tags", name, UserFactory()) is None


@pytest.mark.parametrize("name", ["nobody", "..", "a/b", "x" * 200, "é"])
def test_what_is_no_person_has_no_subject(name):
    assert find_subject("people", name, UserFactory()) is None


def test_a_model_is_found_by_those_who_may_see_it():
    public, draft = RegisteredModelFactory(public=True), RegisteredModelFactory()
    person = UserFactory()

    assert find_subject("models", f"{public.owner.username}/{public.name}", person) == public.subject
    assert find_subject("models", f"{draft.owner.username}/{draft.name}", person) is None
    assert find_subject("models", f"{draft.owner.username}/{draft.name}", draft.owner) == draft.subject


@pytest.mark.parametrize("kind", ["planets", "", "person"])
def test_an_unknown_kind_finds_nothing(kind):
    assert find_subject(kind, "mira", UserFactory()) is None


def test_words_of_people_whom_one_hides_are_left_out_and_counted():
    subject, person, loud = SubjectFactory(), UserFactory(), UserFactory()
    kept = CommentFactory(subject=subject)
    gone = CommentFactory(subject=subject, author=loud)
    CommentFactory(subject=subject, parent=gone)
    CommentFactory(subject=subject, parent=kept, author=loud)
    hide(subject_of_person(loud), by=person)

    page = thread_page(subject, viewer=person)

    assert [comment.pk for comment in page.items] == [kept.pk]
    assert list(page.items[0].replies.all()) == []
    assert hidden_comments(subject, person) == 3
    assert len(thread_page(subject).items) == 2


def test_what_one_follows_is_listed_without_what_one_may_not_see_any_more():
    person, kept, gone = UserFactory(), SubjectFactory(), SubjectFactory()
    for subject in (kept, gone):
        follow(subject, by=person)
    Subject.objects.filter(pk=gone.pk).update(is_public=False)

    assert [row.subject for row in follows_of(person).items] == [kept]


def test_a_tag_that_two_follow_first_at_once_is_one():
    for person in UserFactory.create_batch(2):
        follow(find_subject("tags", "ink", person), by=person)

    assert Follow.objects.values("subject").distinct().count() == 1
    assert not Mute.objects.exists()
