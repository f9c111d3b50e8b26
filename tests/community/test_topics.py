"""Topics: begun, changed, taken back, removed, listed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Announcement, ModerationAct, Notice, Subject, Topic
from community.services.discussion import post_comment
from community.services.following import find_subject, follow, hide, subject_of_person
from community.services.notifications import tell_all_waiting
from community.services.topics import (
    begin_topic,
    delete_topic,
    edit_topic,
    hidden_topics,
    remove_topic,
    topics_page,
)
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db


def titles(viewer, **asked):
    return [topic.title for topic in topics_page(viewer, **asked).items]


def test_a_topic_has_an_address_tags_in_one_form_and_talk():
    topic = begin_topic("  Which sampler?  ", "For **ink**.", ["#Ink", "ink", "Help me"], by=UserFactory())

    assert (topic.title, topic.tags) == ("Which sampler?", ["ink", "help me"])
    assert topic.subject.address == topic.get_absolute_url() == f"/discuss/{topic.pk}"
    assert topic.subject.is_public
    assert post_comment(topic.subject, "DPM", by=UserFactory())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "x" * 1_000_000}, "text"),
        ({"text": "a\0"}, "text"),
        ({"tags": list("abcdef")}, "tags"),
        ({"tags": ["x" * 61]}, "tags"),
        ({"tags": "ink"}, "tags"),
    ],
    ids=["no-title", "long-title", "two-lines", "long-text", "a-megabyte", "nul", "six-tags", "long-tag", "no-list"],
)
def test_a_bad_topic_is_refused_by_field(given, field):
    with pytest.raises(InvalidInput) as refusal:
        begin_topic(**{"title": "T", "text": "", "tags": [], **given}, by=UserFactory())

    assert refusal.value.field == field
    assert not Topic.objects.exists()


def test_followers_of_its_tags_and_of_its_author_are_told():
    author, by_tag, by_person, both = UserFactory.create_batch(4)
    for person in (by_tag, both):
        follow(find_subject("tags", "Ink", person), by=person)
    for person in (by_person, both):
        follow(subject_of_person(author), by=person)

    begin_topic("Which sampler?", tags=["ink"], by=author)
    tell_all_waiting()

    told = Notice.objects.filter(kind=Notice.Kind.TOPIC)
    assert {notice.person for notice in told} == {by_tag, by_person, both}
    assert len(told) == 3


def test_followers_of_a_topic_hear_of_answers():
    topic, person = begin_topic("Q", by=UserFactory()), UserFactory()
    follow(topic.subject, by=person)

    post_comment(topic.subject, "A", by=UserFactory())
    tell_all_waiting()

    assert Notice.objects.get(person=person).kind == Notice.Kind.COMMENT
    assert not Announcement.objects.exists()


def test_who_is_named_in_a_topic_is_told_once():
    mira = UserFactory(username="mira")
    topic = begin_topic("Q", "@mira?", by=UserFactory())

    edit_topic(topic, "Q2", "@mira and @mira", [], by=topic.author)

    assert Notice.objects.get(person=mira).event_count == 1
    topic.subject.refresh_from_db()
    assert topic.subject.title == "Q2"


@pytest.mark.parametrize(
    "act",
    [lambda topic, by: edit_topic(topic, "x", "", [], by=by), lambda topic, by: delete_topic(topic, by=by)],
    ids=["edit", "delete"],
)
def test_somebody_elses_topic_is_theirs(act):
    topic = begin_topic("Q", by=UserFactory())

    with pytest.raises(NotAllowed):
        act(topic, ModeratorFactory())


def test_a_topic_without_answers_can_be_taken_back():
    topic = begin_topic("Q", by=UserFactory())
    post_comment(topic.subject, "never mind", by=topic.author)

    delete_topic(topic, by=topic.author)

    assert not Topic.objects.exists()
    assert not Subject.objects.filter(kind="topic").exists()


def test_a_topic_with_answers_of_others_stays():
    topic = begin_topic("Q", by=UserFactory())
    post_comment(topic.subject, "A", by=UserFactory())

    with pytest.raises(Conflict):
        delete_topic(topic, by=topic.author)


def test_a_moderator_removes_it_with_a_reason_that_its_author_reads():
    topic, moderator = begin_topic("Spam", "buy", by=UserFactory()), ModeratorFactory()

    remove_topic(topic, "Advertising.", by=moderator)
    remove_topic(topic, "Again.", by=moderator)

    assert titles(UserFactory()) == []
    assert titles(topic.author) == ["Spam"]
    assert ModerationAct.objects.get().reason == "Advertising."
    assert Notice.objects.get(person=topic.author).kind == Notice.Kind.DECISION


def test_members_remove_no_topics():
    topic = begin_topic("Q", by=UserFactory())

    with pytest.raises(NotAllowed):
        remove_topic(topic, "x", by=topic.author)


def test_the_list_is_sorted_by_last_word_or_by_age():
    author = UserFactory()
    old, _new = (begin_topic(title, by=author) for title in ("old", "new"))
    Topic.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    post_comment(old.subject, "up", by=author)

    assert titles(author) == ["old", "new"]
    assert titles(author, sort="newest") == ["new", "old"]


def test_the_list_can_be_narrowed_to_a_tag_and_read_to_its_end():
    author = UserFactory()
    for number in range(5):
        begin_topic(f"ink {number}", tags=["ink"], by=author)
    begin_topic("other", by=author)

    first = topics_page(author, tag="INK", size=3)
    rest = topics_page(author, tag="ink", size=3, cursor=first.next)

    assert [topic.title for topic in [*first.items, *rest.items]] == [f"ink {number}" for number in (4, 3, 2, 1, 0)]
    assert rest.next == ""


def test_an_unknown_order_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        topics_page(UserFactory(), sort="best")

    assert refusal.value.field == "sort"


def test_what_one_hides_is_left_out_and_counted_without_what_is_private():
    person, loud, author = UserFactory(), UserFactory(), UserFactory()
    begin_topic("by loud", by=loud)
    begin_topic("tagged", tags=["spiders"], by=author)
    removed = begin_topic("removed", by=loud)
    remove_topic(removed, "x", by=ModeratorFactory())
    single = begin_topic("single", by=author)
    begin_topic("kept", by=author)
    hide(subject_of_person(loud), by=person)
    hide(find_subject("tags", "Spiders", person), by=person)
    hide(single.subject, by=person)

    assert titles(person) == ["kept"]
    assert hidden_topics(person) == 3
    assert hidden_topics(UserFactory()) == 0
