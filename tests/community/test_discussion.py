"""Subjects and comments."""

from __future__ import annotations

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed, RateLimited
from community.models import ModerationAct
from community.services import discussion
from community.services.discussion import (
    create_subject,
    delete_comment,
    edit_comment,
    post_comment,
    remove_comment,
    thread_page,
    update_subject,
)
from tests.factories import CommentFactory, ModeratorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_subject_is_made_and_kept_up_without_losing_its_count():
    subject = create_subject(UserFactory(), "model", "Ink", "/mira/ink")
    post_comment(subject, "one", by=UserFactory())

    update_subject(subject, title="Ink 2", is_public=True, rating=3)

    subject.refresh_from_db()
    assert (subject.title, subject.is_public, subject.rating) == ("Ink 2", True, 3)
    assert subject.comment_count == 1


@pytest.mark.parametrize(
    ("title", "address", "field"),
    [
        ("", "/a", "title"),
        ("t" * 201, "/a", "title"),
        ("t", "a", "address"),
        ("t", "//evil.example", "address"),
        ("t", "/" + "a" * 300, "address"),
    ],
)
def test_a_bad_subject_is_refused_by_field(title, address, field):
    with pytest.raises(InvalidInput) as refusal:
        create_subject(UserFactory(), "model", title, address)

    assert refusal.value.field == field


def test_a_comment_is_kept_as_written_and_counted():
    subject, person = SubjectFactory(), UserFactory()

    comment = post_comment(subject, "  <lora:reed:0.7> a < b\r\n\r\n*x*  ", by=person)

    subject.refresh_from_db()
    assert comment.text == "<lora:reed:0.7> a < b\n\n*x*"
    assert comment.author == person
    assert subject.comment_count == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        (" \n\t", "blank"),
        ("x" * 10_001, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("a\0b", "invalid"),
        ("a\ud800", "invalid"),
    ],
    ids=["empty", "blank", "one-too-many", "a-megabyte", "nul", "surrogate"],
)
def test_a_bad_text_is_refused_by_name(text, code):
    subject = SubjectFactory()

    with pytest.raises(InvalidInput) as refusal:
        post_comment(subject, text, by=UserFactory())

    assert (refusal.value.field, refusal.value.code) == ("text", code)
    assert not subject.comments.exists()


def test_ten_thousand_signs_fit():
    assert post_comment(SubjectFactory(), "灯" * 10_000, by=UserFactory()).text == "灯" * 10_000


def test_an_answer_stands_under_its_comment():
    first = CommentFactory()

    answer = post_comment(first.subject, "yes", by=UserFactory(), parent=first)

    assert list(first.replies.all()) == [answer]


def _answer_to(kind):
    comment = CommentFactory()
    if kind == "an answer":
        return comment.subject, CommentFactory(subject=comment.subject, parent=comment)
    if kind == "another subject's":
        return SubjectFactory(), comment
    delete_comment(comment, by=comment.author)
    comment.refresh_from_db()
    return comment.subject, comment


@pytest.mark.parametrize(
    ("kind", "error"), [("an answer", InvalidInput), ("another subject's", InvalidInput), ("gone", Conflict)]
)
def test_some_comments_cannot_be_answered(kind, error):
    subject, parent = _answer_to(kind)

    with pytest.raises(error) as refusal:
        post_comment(subject, "yes", by=UserFactory(), parent=parent)

    assert refusal.value.field == "parent"


def test_the_answers_to_one_comment_are_bounded(monkeypatch):
    monkeypatch.setattr(discussion, "MAX_REPLIES", 2)
    first = CommentFactory()
    CommentFactory.create_batch(2, subject=first.subject, parent=first)

    with pytest.raises(Conflict) as refusal:
        post_comment(first.subject, "yes", by=UserFactory(), parent=first)

    assert refusal.value.code == "too_many_replies"


def test_closed_talk_takes_no_words():
    with pytest.raises(Conflict) as refusal:
        post_comment(SubjectFactory(comments_open=False), "x", by=UserFactory())

    assert refusal.value.code == "comments_closed"


def test_comments_are_limited_per_person(settings):
    settings.RATES = {**settings.RATES, "comment": (2, 3600)}
    subject, person = SubjectFactory(), UserFactory()
    post_comment(subject, "1", by=person)
    post_comment(subject, "2", by=person)

    with pytest.raises(RateLimited) as refusal:
        post_comment(subject, "3", by=person)

    assert 1 <= refusal.value.retry_after <= 3600
    assert subject.comments.count() == 2
    post_comment(subject, "3", by=UserFactory())


def test_refused_words_cost_nothing(settings):
    settings.RATES = {**settings.RATES, "comment": (1, 3600)}
    subject, person = SubjectFactory(), UserFactory()
    with pytest.raises(InvalidInput):
        post_comment(subject, "", by=person)

    post_comment(subject, "1", by=person)


def test_ones_own_words_can_be_edited_and_say_so():
    comment = CommentFactory()

    edit_comment(comment, "better", by=comment.author)

    comment.refresh_from_db()
    assert comment.text == "better"
    assert comment.edited_at is not None


@pytest.mark.parametrize("act", [lambda c, by: edit_comment(c, "x", by=by), lambda c, by: delete_comment(c, by=by)])
def test_somebody_elses_words_are_theirs_even_from_a_moderator(act):
    comment = CommentFactory()
    before = comment.text

    with pytest.raises(NotAllowed):
        act(comment, ModeratorFactory())

    comment.refresh_from_db()
    assert comment.text == before


def test_deleting_erases_the_words_and_counts_once():
    comment = post_comment(SubjectFactory(), "regrets", by=UserFactory())

    delete_comment(comment, by=comment.author)
    delete_comment(comment, by=comment.author)

    comment.refresh_from_db()
    comment.subject.refresh_from_db()
    assert comment.text == ""
    assert not comment.stands
    assert comment.subject.comment_count == 0


def test_gone_words_cannot_be_edited_back():
    comment = CommentFactory()
    delete_comment(comment, by=comment.author)

    with pytest.raises(Conflict):
        edit_comment(comment, "back", by=comment.author)


def test_a_moderator_removes_with_a_reason_and_leaves_an_act():
    moderator = ModeratorFactory()
    comment = post_comment(SubjectFactory(), "insult", by=UserFactory())

    remove_comment(comment, "An insult.", by=moderator)
    remove_comment(comment, "Again.", by=moderator)

    comment.refresh_from_db()
    comment.subject.refresh_from_db()
    act = ModerationAct.objects.get()
    assert (comment.removed_by, comment.removal_reason) == (moderator, "An insult.")
    assert comment.subject.comment_count == 0
    assert (act.actor, act.target, act.reason) == (moderator, f"comment:{comment.pk}", "An insult.")
    assert act.evidence["text"] == "insult"


@pytest.mark.parametrize("reason", ["", "  ", "r" * 501, "a\0", "a\udfff"])
def test_a_removal_needs_a_reason(reason):
    comment = CommentFactory()

    with pytest.raises(InvalidInput) as refusal:
        remove_comment(comment, reason, by=ModeratorFactory())

    assert refusal.value.field == "reason"
    assert not ModerationAct.objects.exists()


def test_members_remove_nothing():
    comment = CommentFactory()

    with pytest.raises(NotAllowed):
        remove_comment(comment, "x", by=comment.author)


def test_a_long_talk_is_read_in_pages_with_a_fixed_number_of_queries(django_assert_num_queries):
    subject = SubjectFactory()
    first = CommentFactory.create_batch(5, subject=subject)
    CommentFactory.create_batch(3, subject=subject, parent=first[0])

    with django_assert_num_queries(2):
        page = thread_page(subject, size=3)
        names = [reply.author.username for comment in page.items for reply in comment.replies.all()]
    rest = thread_page(subject, size=3, cursor=page.next)

    assert [comment.pk for comment in [*page.items, *rest.items]] == [comment.pk for comment in first]
    assert len(names) == 3
    assert rest.next == ""
