"""Words on `/discuss`: in titles and texts, in the address, page by page."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from community.models import Topic, TopicSearch
from community.services.following import hide, subject_of_person
from community.services.topics import begin_topic, delete_topic, edit_topic, remove_topic
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = "/discuss"


@pytest.fixture
def author():
    return UserFactory(username="mira")


@pytest.fixture
def topics(author):
    begin_topic("Which sampler for ink?", "Euler smears the **harbour**.", ["ink"], by=author)
    begin_topic("Großes Café", "Łódź at night", ["night"], by=author)
    begin_topic("夕凪の灯台守", "水彩", by=author)
    begin_topic("Prices", "ink costs", by=author)


def found(client, **asked):
    return [topic.title for topic in client.get(LIST, asked).context["topics"]]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("sampler", ["Which sampler for ink?"]),
        ("INK", ["Prices", "Which sampler for ink?"]),
        ("harbour euler", ["Which sampler for ink?"]),
        ("harb", ["Which sampler for ink?"]),
        ("cafe lodz", ["Großes Café"]),
        ("grosses", ["Großes Café"]),
        ("灯台", ["夕凪の灯台守"]),
        ("水", ["夕凪の灯台守"]),
        ("台灯", []),
        ("ink lodz", []),
        ("nothing-like-this", []),
        ("!!", []),
        ("' | 'ink' & !", ["Prices", "Which sampler for ink?"]),
        ("sampler " + "x" * 5_000, []),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_topic_is_found_by_the_words_of_its_title_and_text(client, topics, words, titles):
    assert found(client, q=words) == titles


@pytest.mark.parametrize("words", ["", "  "], ids=["none", "blanks"])
def test_no_words_narrow_nothing(client, topics, words):
    assert len(found(client, q=words)) == 4


def test_words_tag_and_sort_narrow_together_and_stand_in_every_address(client, topics):
    page = client.get(LIST, {"q": "ink", "tag": "ink", "sort": "newest"})

    assert [topic.title for topic in page.context["topics"]] == ["Which sampler for ink?"]
    text = page.content.decode()
    assert 'name="q" value="ink"' in text
    assert '<input type="hidden" name="tag" value="ink">' in text
    assert '<input type="hidden" name="sort" value="newest">' in text
    assert "?q=ink&amp;sort=newest" in text  # the cross of the tag keeps the words
    assert '<meta name="robots" content="noindex">' in text


def test_words_in_the_address_are_never_markup(client):
    text = client.get(LIST, {"q": '"><script>x'}).content.decode()

    assert "<script>x" not in text
    assert "No topic says all of these words." in text


def test_what_is_found_can_be_read_to_its_end(client, settings, author):
    settings.RATES = {**settings.RATES, "comment": (100, 3600)}
    for number in range(33):
        begin_topic(f"Ink {number}", by=author)
        begin_topic(f"Clay {number}", by=author)
    seen, address = [], f"{LIST}?q=ink&sort=newest"

    while address:
        page = client.get(address)
        seen += [topic.title for topic in page.context["topics"]]
        address = page.context["next_href"]

    assert seen == [f"Ink {number}" for number in reversed(range(33))]


def test_an_edit_is_found_by_its_new_words_alone(client, author):
    topic = begin_topic("Clay", "wet", by=author)

    edit_topic(topic, "Ink", "dry", [], by=author)

    assert [found(client, q=words) for words in ("ink", "dry", "clay", "wet")] == [["Ink"], ["Ink"], [], []]


def test_what_is_gone_or_removed_is_not_found(client, author):
    moderator = ModeratorFactory()
    deleted, removed = begin_topic("Ink one", by=author), begin_topic("Ink two", by=author)

    delete_topic(deleted, by=author)
    remove_topic(removed, "Because.", by=moderator)

    assert found(client, q="ink") == []
    client.force_login(moderator)
    assert found(client, q="ink") == ["Ink two"]


def test_what_ones_settings_hide_of_the_found_is_counted_and_not_shown(client, author):
    reader = UserFactory()
    for title in ("Ink", "Clay"):
        begin_topic(title, by=author)
    hide(subject_of_person(author), by=reader)
    client.force_login(reader)

    page = client.get(LIST, {"q": "ink"})

    assert not page.context["topics"]
    assert "1 topic is hidden by your settings." in page.content.decode()


def test_searching_costs_no_further_query(client, topics, django_assert_num_queries):
    for words in ("ink", "sampler"):
        with django_assert_num_queries(1):
            client.get(LIST, {"q": words})


def test_programs_search_topics_too(client, topics):
    address = "/api/safelight/v1/topics"

    titles = [topic["title"] for topic in client.get(address, {"q": "ink", "limit": 1}).json()["results"]]
    following = client.get(client.get(address, {"q": "ink", "limit": 1}).json()["next"]).json()

    assert titles == ["Prices"]
    assert [topic["title"] for topic in following["results"]] == ["Which sampler for ink?"]
    assert client.get(address, {"q": "!!"}).json()["results"] == []


def test_topics_that_were_there_before_are_found_after_the_migration(client, topics):
    TopicSearch.objects.all().delete()
    assert found(client, q="ink") == []

    import_module("community.migrations.0005_search_topics").write_rows(apps, None)

    assert found(client, q="harbour") == ["Which sampler for ink?"]
    assert TopicSearch.objects.count() == Topic.objects.count()
