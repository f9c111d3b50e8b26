"""Talk on pages, without scripts and with htmx."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.models import Comment
from tests.factories import CommentFactory, ModeratorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def subject():
    return SubjectFactory(title="Tidewater")


@pytest.fixture
def person(client):
    person = UserFactory()
    client.force_login(person)
    return person


def say(client, subject, text="hello", **kwargs):
    fields = {"text": text, **({"parent": kwargs.pop("parent")} if "parent" in kwargs else {})}
    return client.post(reverse("community:comments", args=[subject.pk]), fields, **kwargs)


def test_a_comment_leads_back_to_the_thing_and_is_shown_there(client, person, subject):
    response = say(client, subject, "**hello** <script>")

    comment = Comment.objects.get()
    page = client.get(reverse("community:comments", args=[subject.pk])).content.decode()
    assert response["Location"] == f"{subject.address}#comment-{comment.pk}"
    assert "<strong>hello</strong> &lt;script&gt;" in page
    assert "1 comment" in page


def test_htmx_gets_the_talk_alone(client, person, subject):
    response = say(client, subject, headers=HTMX)

    body = response.content.decode()
    assert response.status_code == 200
    assert 'id="comments"' in body
    assert "<html" not in body
    assert "1 comment" in body


def test_an_answer_stands_inside_its_comment(client, person, subject):
    first = CommentFactory(subject=subject)

    say(client, subject, "yes", parent=first.pk)

    assert Comment.objects.get(text="yes").parent == first


@pytest.mark.parametrize("parent", ["x", "-1", "9" * 30, "²", "0"])
def test_a_made_up_parent_is_refused(client, person, subject, parent):
    response = say(client, subject, parent=parent)

    assert response.status_code == 400
    assert not Comment.objects.exists()


@pytest.mark.parametrize("text", ["", "x" * 10_001, "x" * 1_000_000], ids=["empty", "long", "a-megabyte"])
def test_refused_words_stay_in_their_field_with_the_reason(client, person, subject, text):
    response = say(client, subject, text)

    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert f">{text}</textarea>" in response.content.decode()
    assert not Comment.objects.exists()


def test_words_over_the_limit_of_requests_are_refused_unread(client, person, subject):
    assert say(client, subject, "x" * 3_000_000).status_code == 400


def test_refused_words_are_told_to_htmx_in_a_good_answer(client, person, subject):
    response = say(client, subject, "", headers=HTMX)

    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_talking_too_often_says_when_to_come_back_and_keeps_the_words(client, person, subject, settings):
    settings.RATES = {**settings.RATES, "comment": (1, 3600)}
    say(client, subject, "one")

    response = say(client, subject, "my second thought")

    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    assert "my second thought" in response.content.decode()


def test_gone_words_say_why(client, subject):
    removed = CommentFactory(subject=subject, text="secret insult")
    deleted = CommentFactory(subject=subject, text="regretted")
    client.force_login(ModeratorFactory())
    client.post(reverse("community:comment-remove", args=[removed.pk]), {"reason": "An <i>insult</i>."})
    client.force_login(deleted.author)
    client.post(reverse("community:comment-delete", args=[deleted.pk]))
    client.logout()

    page = client.get(reverse("community:comments", args=[subject.pk])).content.decode()

    assert "An &lt;i&gt;insult&lt;/i&gt;." in page
    assert "Its author deleted" in page
    assert "secret insult" not in page
    assert "regretted" not in page


def test_ones_words_are_edited(client, subject):
    comment = CommentFactory(subject=subject, text="befor")
    client.force_login(comment.author)

    form = client.get(reverse("community:comment-edit", args=[comment.pk]))
    refused = client.post(reverse("community:comment-edit", args=[comment.pk]), {"text": " "})
    client.post(reverse("community:comment-edit", args=[comment.pk]), {"text": "before"})

    comment.refresh_from_db()
    assert "befor</textarea>" in form.content.decode()
    assert refused.status_code == 400
    assert refused.context["form"].errors["text"]
    assert comment.text == "before"


def test_a_removal_without_a_reason_is_told(client, subject):
    comment = CommentFactory(subject=subject)
    client.force_login(ModeratorFactory())

    response = client.post(reverse("community:comment-remove", args=[comment.pk]), {"reason": ""})

    assert response.status_code == 400
    assert response.context["form"].errors["reason"]


def test_a_long_talk_is_read_to_its_end(client, subject):
    made = CommentFactory.create_batch(60, subject=subject)

    first = client.get(reverse("community:comments", args=[subject.pk]))
    later = client.get(reverse("community:comments", args=[subject.pk]), {"cursor": first.context["thread"].page.next})

    assert 'rel="next"' in first.content.decode()
    assert [comment.pk for comment in later.context["thread"].page.items] == [comment.pk for comment in made[50:]]


def test_a_bad_cursor_is_a_refusal(client, subject):
    assert client.get(reverse("community:comments", args=[subject.pk]), {"cursor": "x"}).status_code == 400


def test_a_page_of_talk_takes_a_fixed_number_of_queries(client, subject, django_assert_max_num_queries):
    first = CommentFactory.create_batch(10, subject=subject)
    CommentFactory.create_batch(10, subject=subject, parent=first[0])

    with django_assert_max_num_queries(4):
        client.get(reverse("community:comments", args=[subject.pk]))


def test_closed_talk_shows_no_form(client, person):
    closed = SubjectFactory(comments_open=False)

    page = client.get(reverse("community:comments", args=[closed.pk])).content.decode()

    assert "closed" in page
    assert 'name="text"' not in page
    assert say(client, closed).status_code == 409
