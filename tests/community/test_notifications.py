"""Notices: one a person and event, gathered, and none that nobody asked for."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from community.models import Announcement, Notice, NoticeEvent, Subject, User
from community.services import notifications
from community.services.discussion import edit_comment, post_comment
from community.services.following import follow, hide, subject_of_person
from community.services.notifications import (
    announce,
    mark_read,
    notices_page,
    notify,
    tell_all_waiting,
    tell_followers,
    unread_count,
)
from community.services.reacting import react, take_back
from community.services.wording import tell
from tests.factories import CommentFactory, ModeratorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def sentences(person):
    return [told.sentence for told in tell(notices_page(person).items)]


def say(kind=Notice.Kind.COMMENT, *, to, subject, actor=None, event="e", **params):
    return notify(kind, to=to, subject=subject, actor=actor, params=params, event=event)


def test_one_event_is_told_once_however_often_it_is_reported():
    subject, actor = SubjectFactory(), UserFactory()

    told = [say(to=[subject.owner], subject=subject, actor=actor) for _again in range(3)]

    assert told == [1, 0, 0]
    assert NoticeEvent.objects.count() == 1
    assert Notice.objects.get().event_count == 1


def test_events_about_one_thing_gather_until_they_are_read():
    subject = SubjectFactory(title="Ink")
    mira, ola, per = (UserFactory(username=name) for name in ("mira", "ola", "per"))
    for person in (mira, ola, per):
        react(subject, "like", by=person)
    before = sentences(subject.owner)

    mark_read(subject.owner)
    react(subject, "like", by=UserFactory(username="zoe"))

    assert before == ["per and 2 others liked “Ink”."]
    assert sentences(subject.owner) == ["zoe liked “Ink”.", "per and 2 others liked “Ink”."]
    assert unread_count(subject.owner) == 1


@pytest.mark.parametrize(
    ("names", "who"),
    [(["mira"], "mira"), (["mira", "ola"], "ola and mira"), (["mira", "ola", "per"], "per and 2 others")],
    ids=["one", "two", "three"],
)
def test_a_notice_names_who_acted(names, who):
    subject = SubjectFactory(title="Ink")
    for name in names:
        post_comment(subject, "hello", by=UserFactory(username=name))

    assert sentences(subject.owner) == [f"{who} commented on “Ink”."]


def test_one_person_who_speaks_three_times_is_one_person():
    subject, mira = SubjectFactory(title="Ink"), UserFactory(username="mira")
    for number in range(3):
        post_comment(subject, str(number), by=mira)

    assert sentences(subject.owner) == ["mira commented on “Ink”."]


def test_likes_and_hearts_are_two_notices():
    subject, mira = SubjectFactory(title="Ink"), UserFactory(username="mira")
    react(subject, "like", by=mira)
    react(subject, "heart", by=mira)

    assert sentences(subject.owner) == ["mira gave “Ink” a heart.", "mira liked “Ink”."]


def test_ones_own_acts_are_not_told():
    subject = SubjectFactory()
    react(subject, "like", by=subject.owner)
    post_comment(subject, f"@{subject.owner.username}", by=subject.owner)

    assert not Notice.objects.exists()


def test_people_whom_one_hides_are_not_heard_of():
    subject, loud = SubjectFactory(), UserFactory()
    hide(subject_of_person(loud), by=subject.owner)

    react(subject, "like", by=loud)
    post_comment(subject, f"@{subject.owner.username}", by=loud)

    assert not Notice.objects.exists()


def test_things_that_one_hides_are_not_heard_of():
    comment = CommentFactory()
    hide(comment.subject, by=comment.author)

    post_comment(comment.subject, "yes", by=UserFactory(), parent=comment)

    assert not Notice.objects.filter(person=comment.author).exists()


def test_people_who_were_shut_out_are_told_nothing():
    gone = UserFactory(is_active=False)

    assert say(to=[gone], subject=SubjectFactory()) == 0


@pytest.mark.parametrize(
    ("person", "told"), [("stranger", 0), ("owner", 1), ("moderator", 1)], ids=["stranger", "owner", "moderator"]
)
def test_what_is_not_public_is_told_to_those_who_see_it(person, told):
    subject = SubjectFactory(is_public=False)
    people = {"stranger": UserFactory(), "owner": subject.owner, "moderator": ModeratorFactory()}

    assert say(to=[people[person]], subject=subject) == told


def test_a_notice_of_what_was_hidden_since_is_not_shown():
    subject, person = SubjectFactory(title="Secret"), UserFactory()
    say(to=[person], subject=subject, actor=UserFactory())
    Subject.objects.filter(pk=subject.pk).update(is_public=False)

    assert sentences(person) == []
    assert unread_count(person) == 0


def test_pictures_beyond_the_level_are_not_told():
    subject = SubjectFactory(kind="image", rating=8)
    modest, open_minded = UserFactory(browsing_level=3), UserFactory(browsing_level=31)

    say(Notice.Kind.POST, to=[modest, open_minded], subject=subject, actor=subject.owner)

    assert [notice.person for notice in Notice.objects.all()] == [open_minded]


def test_an_answer_is_told_as_an_answer_and_not_twice():
    subject = SubjectFactory(title="Ink")
    first = post_comment(subject, "one", by=subject.owner)

    post_comment(subject, f"@{subject.owner.username} yes", by=UserFactory(username="mira"), parent=first)

    assert sentences(subject.owner) == ["mira answered under “Ink”."]


def test_everybody_who_spoke_in_a_thread_hears_the_next_answer():
    first = CommentFactory()
    earlier = CommentFactory(subject=first.subject, parent=first).author

    post_comment(first.subject, "and then", by=UserFactory(), parent=first)

    told = Notice.objects.filter(kind=Notice.Kind.REPLY)
    assert {notice.person for notice in told} == {first.author, earlier}


def test_a_mention_is_told_and_leads_to_the_words():
    mira, subject = UserFactory(username="Mira"), SubjectFactory(title="Ink")

    comment = post_comment(subject, "look, @mira.", by=UserFactory(username="ola"))

    (told,) = tell(notices_page(mira).items)
    assert told.sentence == "ola mentioned you under “Ink”."
    assert told.address == f"{subject.address}#comment-{comment.pk}"
    assert comment.mentions == ["Mira"]


def test_a_storm_of_mentions_tells_ten():
    people = UserFactory.create_batch(30)

    post_comment(SubjectFactory(), " ".join(f"@{person.username}" for person in people), by=UserFactory())

    told = Notice.objects.filter(kind=Notice.Kind.MENTION)
    assert {notice.person for notice in told} == set(people[:10])


def test_an_edit_tells_only_those_who_are_new_in_it():
    mira, ola = UserFactory(username="mira"), UserFactory(username="ola")
    comment = post_comment(SubjectFactory(), "@mira", by=UserFactory())

    edit_comment(comment, "@mira @ola", by=comment.author)

    assert NoticeEvent.objects.filter(person=mira).count() == 1
    assert NoticeEvent.objects.filter(person=ola).count() == 1


def test_followers_are_told_by_a_worker_once():
    subject, followers = SubjectFactory(title="Ink"), UserFactory.create_batch(3)
    for person in followers:
        follow(subject, by=person)
        follow(subject_of_person(subject.owner), by=person)
    Notice.objects.all().delete()
    announce(
        Notice.Kind.VERSION,
        subject=subject,
        actor=subject.owner,
        followed=[subject],
        params={"name": "v2"},
        event="version:7",
    )

    told = tell_followers(Announcement.objects.get().pk)

    assert told == 3
    assert sentences(followers[0]) == [f"{subject.owner.username} published v2 of “Ink”."]
    assert not Announcement.objects.exists()


def test_many_followers_are_told_in_batches(monkeypatch):
    monkeypatch.setattr(notifications, "BATCH", 2)
    subject = SubjectFactory()
    for person in UserFactory.create_batch(5):
        follow(subject, by=person)
    announce(
        Notice.Kind.VERSION, subject=subject, actor=subject.owner, followed=[subject], params={}, event="version:7"
    )

    assert tell_all_waiting() == 5
    assert tell_all_waiting() == 0


def test_nothing_waits_where_nobody_follows():
    subject = SubjectFactory()
    announce(Notice.Kind.MODEL, subject=subject, actor=subject.owner, followed=[subject], params={}, event="x")

    assert not Announcement.objects.exists()


def test_every_kind_has_a_sentence():
    subject, person = SubjectFactory(title="Ink"), UserFactory()
    for kind in Notice.Kind.values:
        say(kind, to=[person], subject=subject, actor=UserFactory(), event=kind, name="v2", title="Ink")

    found = sentences(person)
    assert len(found) == len(Notice.Kind.values)
    assert all("%" not in sentence for sentence in found)


def test_the_list_can_be_read_to_its_end():
    person = UserFactory()
    for number in range(7):
        say(to=[person], subject=SubjectFactory(), event=str(number))

    first = notices_page(person, size=4)
    rest = notices_page(person, size=4, cursor=first.next)

    assert len({notice.pk for notice in [*first.items, *rest.items]}) == 7
    assert rest.next == ""


def test_a_page_of_notices_takes_a_fixed_number_of_queries(django_assert_num_queries):
    person = UserFactory()
    for number in range(5):
        say(to=[person], subject=SubjectFactory(), actor=UserFactory(), event=str(number))

    with django_assert_num_queries(2):
        sentences(person)


def test_somebody_elses_notices_are_not_marked():
    mine, theirs = UserFactory(), UserFactory()
    say(to=[mine, theirs], subject=SubjectFactory())

    assert mark_read(mine, [notice.pk for notice in Notice.objects.all()]) == 1
    assert unread_count(theirs) == 1


def test_the_count_ends_where_nobody_counts_any_more(monkeypatch):
    monkeypatch.setattr(notifications, "COUNTED", 3)
    person = UserFactory()
    for number in range(9):
        say(to=[person], subject=SubjectFactory(), event=str(number))

    assert unread_count(person) == 4


def test_a_reaction_taken_back_and_given_again_after_it_was_read_is_no_news():
    subject, person = SubjectFactory(), UserFactory()
    react(subject, "like", by=person)
    mark_read(subject.owner)
    for _again in range(3):
        take_back(subject, "like", by=person)
        react(subject, "like", by=person)

    assert NoticeEvent.objects.count() == 1
    assert unread_count(subject.owner) == 0


def at_once(work, count):
    """Run `work(number)` in so many threads, all beginning together; what any of them raised is raised here."""
    barrier, failures = threading.Barrier(count), []

    def run(number):
        try:
            barrier.wait(30)
            work(number)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


@pytest.mark.django_db(transaction=True)
def test_the_same_event_from_many_sides_at_once_is_told_once():
    subject, actor = SubjectFactory(), UserFactory()
    owner = User.objects.get(pk=subject.owner_id)

    at_once(lambda _number: say(to=[owner], subject=subject, actor=actor), 8)

    assert NoticeEvent.objects.count() == 1
    assert [notice.event_count for notice in Notice.objects.all()] == [1]


@pytest.mark.django_db(transaction=True)
def test_many_events_at_once_while_the_person_reads_lose_nothing():
    subject, people = SubjectFactory(), UserFactory.create_batch(12)
    owner = User.objects.get(pk=subject.owner_id)

    def act(number):
        if number % 4 == 0:
            mark_read(owner)
        say(to=[owner], subject=subject, actor=people[number], event=str(number))

    at_once(act, 12)

    assert NoticeEvent.objects.count() == 12
    assert sum(notice.event_count for notice in Notice.objects.all()) == 12
    assert Notice.objects.unread().count() <= 1


def test_old_notices_keep_their_place_in_the_order():
    person = UserFactory()
    say(to=[person], subject=SubjectFactory(title="Old"), event="1")
    Notice.objects.update(latest_at=timezone.now() - timedelta(days=2))
    say(to=[person], subject=SubjectFactory(title="New"), event="2")

    assert [notice.subject.title for notice in notices_page(person).items] == ["New", "Old"]


def test_an_announcement_that_fails_stops_no_other(monkeypatch):
    subject, person = SubjectFactory(title="Ink"), UserFactory()
    follow(subject, by=person)
    for number in range(2):
        announce("version", subject=subject, actor=subject.owner, followed=[subject], params={}, event=f"v{number}")
    first = Announcement.objects.first()
    real = notifications.tell_followers

    def fail_once(pk):
        if pk == first.pk:
            raise DatabaseError
        return real(pk)

    monkeypatch.setattr(notifications, "tell_followers", fail_once)

    assert tell_all_waiting() == 1
    assert list(Announcement.objects.all()) == [first]


def test_what_is_a_week_old_is_no_news():
    subject, person = SubjectFactory(), UserFactory()
    follow(subject, by=person)
    announce("version", subject=subject, actor=subject.owner, followed=[subject], params={}, event="v")
    Announcement.objects.update(created_at=timezone.now() - timedelta(days=8))

    assert tell_all_waiting() == 0
    assert not Announcement.objects.exists()
