"""Counts on their way from subjects to the rows that lists are sorted by."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from community.models import Subject
from community.services.discussion import delete_comment, post_comment
from community.services.reacting import react, take_back
from gallery.models import ImageSearch
from gallery.services import sweeping
from gallery.services.publishing import delete_post, restore_post
from gallery.services.sweeping import fold_counts
from tests.community.test_notifications import at_once
from tests.factories import RegisteredModelFactory, UserFactory
from tests.gallery.rows import first, painted, posted

pytestmark = pytest.mark.django_db


def counts(image) -> tuple[int, int]:
    return ImageSearch.objects.values_list("reactions", "comments").get(pk=image.pk)


def test_every_change_of_a_count_is_copied():
    image, person = first(posted()), UserFactory()
    fold_counts()
    seen = []

    comment = post_comment(image.subject, "Good.", by=person)
    react(image.subject, "like", by=person)
    for change in (
        lambda: None,
        lambda: react(image.subject, "heart", by=person),
        lambda: take_back(image.subject, "like", by=person),
        lambda: delete_comment(comment, by=person),
    ):
        change()
        fold_counts()
        seen.append(counts(image))

    assert seen == [(1, 1), (2, 1), (1, 1), (1, 0)]


def test_what_has_not_changed_is_not_looked_at(django_assert_max_num_queries):
    image, other = first(posted()), first(posted())
    fold_counts()
    ImageSearch.objects.filter(pk=image.pk).update(reactions=7)  # nothing said so: nobody looks
    with django_assert_max_num_queries(4):
        assert fold_counts() == 0

    react(other.subject, "like", by=UserFactory())

    assert fold_counts() == 1
    assert (counts(image)[0], counts(other)[0]) == (7, 1)
    assert not Subject.objects.filter(counts_changed=True).exists()


def test_many_changes_are_copied_some_at_a_time_to_the_end(monkeypatch):
    monkeypatch.setattr(sweeping, "_AT_ONCE", 2)
    post = posted(None, *(painted() for _picture in range(5)))
    person = UserFactory()
    for image in post.images.select_related("subject"):
        react(image.subject, "like", by=person)

    assert fold_counts() == 5
    assert set(ImageSearch.objects.values_list("reactions", flat=True)) == {1}


def test_what_comes_back_has_the_counts_that_it_had():
    post = posted()
    image = first(post)
    react(image.subject, "like", by=UserFactory())
    fold_counts()
    delete_post(post, by=post.owner)
    react(image.subject, "heart", by=UserFactory())
    fold_counts()

    restore_post(post, by=post.owner)
    fold_counts()

    assert counts(image) == (2, 0)


def test_things_without_a_row_lose_their_mark():
    model = RegisteredModelFactory(public=True)
    react(model.subject, "like", by=UserFactory())

    assert fold_counts() == 0
    assert not Subject.objects.filter(counts_changed=True).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", ["subject", "row"])
def test_what_somebody_holds_is_left_for_the_next_run(held):
    image = first(posted())
    react(image.subject, "like", by=UserFactory())
    folded = []

    def fold() -> None:
        folded.append(fold_counts())
        connection.close()

    with transaction.atomic():
        rows = Subject.objects.filter(pk=image.subject_id) if held == "subject" else ImageSearch.objects.all()
        list(rows.select_for_update())
        thread = threading.Thread(target=fold)
        thread.start()
        thread.join(30)

    assert folded == [0]
    assert fold_counts() == 1
    assert counts(image) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_counts_are_exact_though_they_are_copied_while_fifty_people_react():
    image = first(posted())
    people = UserFactory.create_batch(50)

    def act(number: int) -> None:
        if number < 50:
            react(image.subject, "like", by=people[number])
            if number % 5 == 0:
                take_back(image.subject, "like", by=people[number])
        else:
            for _again in range(5):
                fold_counts()

    at_once(act, 54)
    fold_counts()

    assert counts(image) == (40, 0)
    assert Subject.objects.values_list("reaction_count", "like_count").get(pk=image.subject_id) == (40, 40)
