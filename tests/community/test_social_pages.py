"""Pages of notices, follows, hides, reactions and topics: all of them without a script."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.models import Follow, Mute, Notice, Reaction, Topic
from community.services.digests import unsubscribe_code
from community.services.discussion import post_comment
from community.services.following import find_subject, follow, hide, subject_of_person
from community.services.notifications import unread_count
from community.services.reacting import react
from community.services.topics import begin_topic
from tests.factories import (
    CommentFactory,
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    SubjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def person(client):
    person = UserFactory(username="ola")
    client.force_login(person)
    return person


def text_of(client, address, **query):
    return client.get(address, query).content.decode()


# Notices --------------------------------------------------------------------------------------------------------


def test_the_bar_counts_what_is_unread_and_reading_takes_it_away(client):
    subject = SubjectFactory(title="Ink", address="/discuss")
    react(subject, "like", by=UserFactory(username="mira"))
    client.force_login(subject.owner)

    before = text_of(client, "/models")
    listed = text_of(client, reverse("community:notifications"))
    led = client.get(reverse("community:notice", args=[Notice.objects.get().pk]))

    assert 'aria-label="Notices, 1 unread"' in before
    assert "mira liked “Ink”." in listed
    assert led["Location"] == "/discuss"
    assert 'aria-label="Notices"' in text_of(client, "/models")


@pytest.mark.parametrize("field", [{}, {"notice": "all"}], ids=["all", "one"])
def test_notices_are_marked_by_a_form(client, field):
    subject = SubjectFactory()
    react(subject, "like", by=UserFactory())
    client.force_login(subject.owner)
    if field:
        field = {"notice": Notice.objects.get().pk}

    client.post(reverse("community:notifications-read"), field)

    assert unread_count(subject.owner) == 0


@pytest.mark.parametrize("given", ["x", "-1", "9" * 30, "²"])
def test_a_made_up_notice_is_not_found(client, person, given):
    assert client.post(reverse("community:notifications-read"), {"notice": given}).status_code == 404


def test_somebody_elses_notice_leads_nowhere(client, person):
    react(SubjectFactory(), "like", by=UserFactory())

    assert client.get(reverse("community:notice", args=[Notice.objects.get().pk])).status_code == 404


def test_names_and_titles_in_a_notice_are_words(client):
    subject = SubjectFactory(title="<script>x</script>")
    react(subject, "like", by=UserFactory())
    client.force_login(subject.owner)

    assert "<script>x" not in text_of(client, reverse("community:notifications"))


def test_the_page_says_when_there_is_nothing(client, person):
    assert "No notices" in text_of(client, reverse("community:notifications"))


def test_a_page_of_notices_takes_a_fixed_number_of_queries(client, django_assert_num_queries):
    owner = UserFactory()
    client.force_login(owner)

    def counted():
        with django_assert_num_queries(5):  # session, person, notices, who acted, the count in the bar
            client.get(reverse("community:notifications"))

    for _more in range(2):
        react(SubjectFactory(owner=owner), "like", by=UserFactory())
    counted()


def test_the_daily_mail_is_asked_for_in_the_settings_and_ended_by_its_link(client, person):
    client.post(reverse("community:settings-profile"), {"level": "1", "language": "", "mail_digest": "on"})
    person.refresh_from_db()
    asked = person.mail_digest
    client.logout()
    address = reverse("community:unsubscribe", args=[unsubscribe_code(person)])

    shown = client.get(address)
    still = type(person).objects.get(pk=person.pk).mail_digest
    client.post(address)

    person.refresh_from_db()
    assert (asked, shown.status_code, still, person.mail_digest) == (True, 200, True, False)


def test_a_made_up_link_ends_nothing(client):
    assert client.get(reverse("community:unsubscribe", args=["1:x"])).status_code == 404


# Follows and hides ----------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    model = RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")
    ModelVersionFactory(published=True, model=model)
    return model


@pytest.mark.parametrize("thing", ["people/mira", "models/mira/ink", "tags/ink"])
def test_a_button_follows_and_the_next_one_ends_it(client, person, model, thing):
    client.post(f"/follows/{thing}", {"act": "follow"})
    followed = Follow.objects.get().subject
    listed = text_of(client, reverse("community:follows"))
    client.post(f"/follows/{thing}", {"act": "unfollow"})

    assert followed.title in listed
    assert not Follow.objects.exists()


@pytest.mark.parametrize("thing", ["people/nobody", "models/mira/none", "planets/mars", "topics/99", "topics/x"])
@pytest.mark.parametrize("what", ["follows", "mutes"])
def test_what_is_not_there_is_not_followed_or_hidden(client, person, what, thing):
    assert client.post(f"/{what}/{thing}").status_code == 404


def test_a_form_leads_back_to_where_it_stood_and_to_no_other_site(client, person, model):
    back = client.post("/follows/people/mira", {"act": "follow", "next": "/models?sort=newest"})
    away = client.post("/follows/people/mira", {"act": "follow", "next": "https://evil.example/"})
    tricky = client.post("/follows/people/mira", {"act": "follow", "next": "//evil.example/"})

    assert back["Location"] == "/models?sort=newest"
    assert away["Location"] == tricky["Location"] == "/mira"


def test_a_profile_shows_figures_and_a_button(client, person, model):
    follow(subject_of_person(model.owner), by=UserFactory())
    react(model.subject, "like", by=UserFactory())

    page = client.get("/mira")

    assert {(figure.label, figure.count) for figure in page.context["figures"]} >= {("follower", 1), ("reaction", 1)}
    assert 'action="/follows/people/mira"' in page.content.decode()


def test_ones_own_page_has_no_button_to_follow_oneself(client, person):
    assert "/follows/people/ola" not in text_of(client, "/ola")


def test_what_is_hidden_is_in_no_list_and_the_list_says_how_many(client, person, model):
    from registry.services.listing import refresh_listing

    refresh_listing(model)
    client.post("/mutes/people/mira", {"act": "hide"})

    page = client.get("/models")

    assert page.context["cards"] == []
    assert "1 is hidden by your settings." in page.content.decode()
    assert "Ink" not in text_of(client, "/")
    client.post("/mutes/people/mira", {"act": "show"})
    assert "Ink" in text_of(client, "/models")


def test_a_tag_is_hidden_by_its_name(client, person):
    client.post(reverse("community:mute-tag"), {"tag": "#Spiders"})

    assert Mute.objects.get().subject.title == "Spiders"
    assert "Spiders" in text_of(client, reverse("community:mutes"))


@pytest.mark.parametrize("tag", ["", " # ", "x" * 61])
def test_what_is_no_tag_is_refused(client, person, tag):
    assert client.post(reverse("community:mute-tag"), {"tag": tag}).status_code == 400


def test_words_of_people_whom_one_hides_are_counted_not_shown(client, person):
    comment = CommentFactory(text="loud words")
    hide(subject_of_person(comment.author), by=person)

    page = text_of(client, reverse("community:comments", args=[comment.subject.pk]))

    assert "loud words" not in page
    assert "1 comment is hidden by your settings." in page


# Reactions ------------------------------------------------------------------------------------------------------


def test_a_reaction_is_given_and_taken_back_without_a_script(client, person, model):
    address = reverse("community:react", args=[model.subject.pk])

    given = client.post(address, {"give": "like", "next": "/mira/ink"})
    pressed = text_of(client, "/mira/ink")
    client.post(address, {"take": "like"})

    assert given["Location"] == "/mira/ink"
    assert 'value="like" aria-pressed="true"' in pressed
    assert not Reaction.objects.exists()


def test_htmx_gets_the_buttons_alone(client, person):
    subject = SubjectFactory()

    body = client.post(reverse("community:react", args=[subject.pk]), {"give": "heart"}, headers=HTMX).content.decode()

    assert f'id="reactions-{subject.pk}"' in body
    assert 'value="heart" aria-pressed="true"' in body
    assert "csrfmiddlewaretoken" in body
    assert "<html" not in body


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: SubjectFactory(is_public=False), 404),
        (lambda: SubjectFactory(kind="image", rating=16), 404),
        (lambda: SubjectFactory(kind="topic"), 409),
    ],
    ids=["hidden", "beyond-the-level", "takes-none"],
)
def test_some_things_take_no_reaction(client, person, make, status):
    assert client.post(reverse("community:react", args=[make().pk]), {"give": "like"}).status_code == status


def test_a_made_up_reaction_is_refused(client, person):
    assert client.post(reverse("community:react", args=[SubjectFactory().pk]), {"give": "x"}).status_code == 400


# Topics ---------------------------------------------------------------------------------------------------------


def test_a_topic_is_begun_read_changed_and_taken_back(client, person):
    client.post(reverse("community:topic-new"), {"title": "Which?", "text": "**x**", "tags": "Ink, help"})
    topic = Topic.objects.get()
    page = text_of(client, topic.get_absolute_url())
    client.post(reverse("community:topic-edit", args=[topic.pk]), {"title": "Which one?", "text": "", "tags": ""})
    listed = text_of(client, reverse("community:topics"))
    client.post(reverse("community:topic-delete", args=[topic.pk]))

    assert "<strong>x</strong>" in page
    assert "?tag=ink" in page
    assert "Which one?" in listed
    assert not Topic.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [({"title": ""}, "title"), ({"text": "x" * 10_001}, "text"), ({"tags": "a,b,c,d,e,f"}, "tags")],
    ids=["no-title", "long", "six-tags"],
)
def test_a_bad_topic_is_told_at_its_field(client, person, given, field):
    answer = client.post(reverse("community:topic-new"), {"title": "T", "text": "", "tags": "", **given})

    assert answer.status_code == 400
    assert answer.context["form"].errors[field]


def test_a_topic_of_a_megabyte_is_refused(client, person):
    answer = client.post(reverse("community:topic-new"), {"title": "T", "text": "x" * 1_000_000})

    assert answer.status_code == 400


@pytest.mark.parametrize("query", [{"sort": "x"}, {"cursor": "x"}, {"tag": "x" * 500}, {"sort": "newest"}])
def test_a_bad_value_in_the_address_falls_away(client, query):
    assert client.get(reverse("community:topics"), query).status_code == 200


def test_the_list_says_what_is_hidden_and_can_be_read_to_its_end(client, person, monkeypatch):
    for number in range(31):
        begin_topic(f"T{number}", tags=["ink"], by=UserFactory())
    hide(find_subject("tags", "spiders", person), by=person)
    begin_topic("web", tags=["spiders"], by=UserFactory())

    first = client.get(reverse("community:topics"))
    rest = client.get(first.context["next_href"], headers=HTMX)

    assert "1 topic is hidden by your settings." in first.content.decode()
    assert len(first.context["topics"]) + len(rest.context["topics"]) == 31
    assert "<html" not in rest.content.decode()


def test_the_list_takes_a_fixed_number_of_queries(client, django_assert_num_queries):
    def counted():
        with django_assert_num_queries(1):
            client.get(reverse("community:topics"))

    for _more in range(2):
        begin_topic("T", by=UserFactory())
        counted()


def test_a_moderator_removes_a_topic_and_strangers_find_nothing(client, person):
    topic = begin_topic("Spam", by=UserFactory())
    client.force_login(ModeratorFactory())
    client.post(reverse("community:topic-remove", args=[topic.pk]), {"reason": "Advertising."})
    client.force_login(person)

    assert client.get(topic.get_absolute_url()).status_code == 404


def test_a_mention_is_a_link_on_the_page(client):
    UserFactory(username="mira")
    subject = SubjectFactory()
    post_comment(subject, "ask @mira", by=UserFactory())

    assert '<a href="/mira"' in text_of(client, reverse("community:comments", args=[subject.pk]))
