"""Feeds: the document, what a reader asks again, topics, and who gets none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Topic
from community.services.topics import begin_topic, edit_topic, remove_topic
from tests.community.feed_reading import ATOM, link, read_feed, text, titles, walk
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _talkative(settings):
    settings.RATES = {**settings.RATES, "comment": (10_000, 600)}


@pytest.fixture
def author():
    return UserFactory(username="mira", display_name="Mira Kessler")


def begun(count, author):
    made = [begin_topic(f"Topic {number}", by=author) for number in range(count)]
    for number, topic in enumerate(made):
        Topic.objects.filter(pk=topic.pk).update(created_at=timezone.now() - timedelta(minutes=count - number))
    return made


def test_topics_are_a_feed_newest_first(client, author):
    begin_topic("Old", by=author)
    topic = begin_topic("Which sampler?", "For **ink** and @mira.", ["ink"], by=author)

    feed = read_feed(client, "/discuss.atom")
    newest = feed.find(f"{ATOM}entry")

    assert titles(feed) == ["Which sampler?", "Old"]
    assert text(newest, "author/name") == "Mira Kessler"
    assert text(newest, "author/uri") == "http://testserver/mira"
    assert text(newest, "summary") == "For **ink** and @mira."
    assert "<strong>ink</strong>" in text(newest, "content")
    assert [tag.get("term") for tag in newest.findall(f"{ATOM}category")] == ["ink"]
    assert link(newest, "alternate") == f"http://testserver{topic.get_absolute_url()}"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=sampler", ["Which sampler?"]),
        ("q=SAMPLER+ink", ["Which sampler?"]),
        ("q=sampler&tag=paper", []),
        ("tag=paper", ["Paper"]),
        ("q=%3F%21", []),
        ("q=x" + "y" * 5_000, []),
        ("q=+", ["Paper", "Which sampler?"]),
    ],
    ids=["word", "words", "word-and-tag", "tag", "signs", "long", "blank"],
)
def test_a_feed_of_topics_takes_words_and_a_tag_as_the_list_does(client, author, asked, found):
    begin_topic("Which sampler?", "For ink.", ["ink"], by=author)
    begin_topic("Paper", tags=["paper"], by=author)

    feed = read_feed(client, f"/discuss.atom?{asked}")

    assert titles(feed) == found
    listed = [topic.title for topic in client.get(f"/discuss?{asked}&sort=newest").context["topics"]]
    assert listed == found


def test_the_list_of_topics_leads_to_its_own_feed(client, author):
    page = client.get("/discuss?q=ink&tag=paper").content.decode()

    assert "/discuss.atom?q=ink&amp;tag=paper" in page
    assert link(read_feed(client, "/discuss.atom?q=ink&tag=paper"), "alternate").endswith(
        "?q=ink&tag=paper&sort=newest"
    )


def test_words_stay_from_page_to_page(client, author):
    begun(40, author)

    assert len(walk(client, "/discuss.atom?q=topic")) == 40


def test_a_feed_of_a_tag_holds_its_topics_alone(client, author):
    begin_topic("Ink", tags=["ink & wash"], by=author)
    begin_topic("Paper", tags=["paper"], by=author)

    feed = read_feed(client, "/discuss.atom?tag=ink+%26+wash")

    assert titles(feed) == ["Ink"]
    assert link(feed, "self") == "http://testserver/discuss.atom?tag=ink+%26+wash"
    assert link(feed, "alternate") == "http://testserver/discuss?tag=ink+%26+wash&sort=newest"


def test_a_feed_can_be_read_to_its_end(client, author):
    made = begun(65, author)

    ids = walk(client, "/discuss.atom")

    assert ids == [f"tag:localhost,2026:topic/{topic.pk}" for topic in reversed(made)]


def test_the_cursor_of_the_list_is_one_of_the_feed(client, author):
    begun(31, author)
    page = client.get("/discuss?sort=newest").context["next_href"]

    assert titles(read_feed(client, page.replace("/discuss", "/discuss.atom"))) == ["Topic 0"]


@pytest.mark.parametrize("asked", ["cursor=nonsense", "sort=nonsense", "tag=%20", "page=2"])
def test_a_value_that_makes_no_sense_falls_away(client, author, asked):
    begin_topic("Ink", by=author)

    assert titles(read_feed(client, f"/discuss.atom?{asked}")) == ["Ink"]


def test_words_that_no_document_may_hold_are_left_out(client, author):
    topic = begin_topic("A <b> & ]]> title", "x <script>alert(1)</script>", by=author)
    Topic.objects.filter(pk=topic.pk).update(title="A <b>\x0b & ]]>\ufffe title", text="<script>\x1b</script>")

    feed = read_feed(client, "/discuss.atom")

    assert titles(feed) == ["A <b> & ]]> title"]
    assert "<script" not in text(feed.find(f"{ATOM}entry"), "content")


def test_an_entry_keeps_its_id_when_everything_about_it_changes(client, author):
    topic = begin_topic("Before", by=author)
    before = read_feed(client, "/discuss.atom").find(f"{ATOM}entry")

    edit_topic(topic, "After", "Other words", ["new"], by=author)
    after = read_feed(client, "/discuss.atom").find(f"{ATOM}entry")

    assert text(after, "id") == text(before, "id")
    assert text(after, "title") == "After"
    assert text(after, "updated") > text(before, "updated")


def test_ids_stay_when_the_site_moves(client, author, settings):
    settings.FEED_AUTHORITY = "old.example.org"
    begin_topic("Ink", by=author)

    answer = client.get("/discuss.atom").content.decode()

    assert "<id>tag:old.example.org,2026:feed/topics</id>" in answer


def test_what_has_not_changed_is_not_sent_again(client, author):
    begin_topic("Ink", by=author)
    first = client.get("/discuss.atom")

    by_tag = client.get("/discuss.atom", headers={"If-None-Match": first["ETag"]})
    by_day = client.get("/discuss.atom", headers={"If-Modified-Since": first["Last-Modified"]})
    begin_topic("Another", by=author)
    changed = client.get("/discuss.atom", headers={"If-None-Match": first["ETag"]})

    assert (by_tag.status_code, by_day.status_code, changed.status_code) == (304, 304, 200)
    assert by_tag.content == b""
    assert by_tag["Cache-Control"] == first["Cache-Control"] == "public, max-age=300"


def test_everybody_gets_the_same_document_in_the_same_language(client, author):
    begin_topic("Ink", by=author)
    removed = begin_topic("Removed", by=author)
    remove_topic(removed, "Because.", by=ModeratorFactory())

    anonymous = client.get("/discuss.atom", headers={"Accept-Language": "de"})
    client.force_login(author)
    own = client.get("/discuss.atom", headers={"Accept-Language": "vi"})
    client.force_login(ModeratorFactory())
    moderators = client.get("/discuss.atom")

    assert anonymous.content == own.content == moderators.content
    assert anonymous["Content-Language"] == "en"
    assert b"Removed" not in anonymous.content


def test_a_feed_is_read_only(client):
    assert client.post("/discuss.atom").status_code == 405
    assert client.head("/discuss.atom").status_code == 200


@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed-in"])
def test_where_one_signs_in_to_look_there_are_no_feeds(client, author, settings, signed_in):
    settings.LOGIN_TO_LOOK = True
    if signed_in:
        client.force_login(author)

    assert client.get("/discuss.atom").status_code == (404 if signed_in else 302)
    if signed_in:
        assert "atom" not in client.get("/discuss").content.decode()


def test_the_list_leads_to_its_feed(client):
    page = client.get("/discuss?tag=ink").content.decode()

    assert '<link rel="alternate" type="application/atom+xml" href="/discuss.atom?tag=ink" title="Discuss">' in page
    assert page.count("/discuss.atom?tag=ink") == 2


def test_a_feed_asks_the_database_as_often_however_long_it_is(client, author, django_assert_num_queries):
    begun(3, author)
    with django_assert_num_queries(2):
        client.get("/discuss.atom")
    begun(30, author)
    with django_assert_num_queries(2):
        client.get("/discuss.atom")


def test_a_name_that_begins_like_an_open_address_is_not_open(client, settings):
    UserFactory(username="healthz-fan")
    settings.LOGIN_TO_LOOK = True

    assert client.get("/healthz-fan").status_code == 302
