"""What search engines are told: where they may look, and what there is."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from community.feeds import ANYBODY
from community.models import Topic
from community.services.topics import begin_topic, remove_topic
from community.sitemaps import MOST_PARTS, PART_SIZE, part_of, parts_of
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def locations(client, address="/sitemap.xml"):
    answer = client.get(address)
    assert answer.status_code == 200, address
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    document = ElementTree.fromstring(answer.content)  # noqa: S314 (our own answer)
    return [loc.text.removeprefix("http://testserver") for loc in document.iter(f"{SITEMAP}loc")]


def topic_at(pk, author):
    """A topic with a number of its own."""
    topic = begin_topic(f"Topic {pk}", by=author)
    Topic.objects.filter(pk=topic.pk).delete()
    topic.pk = pk
    topic.save(force_insert=True)
    return topic


def test_an_empty_site_has_an_empty_index(client):
    assert locations(client) == []


def test_the_index_names_only_parts_that_hold_something_the_newest_first(client, django_assert_num_queries):
    author = UserFactory()
    for pk in (9_000, 9_001, PART_SIZE - 1, PART_SIZE, 5 * PART_SIZE + 3, 900 * PART_SIZE):
        topic_at(pk, author)
    gone = topic_at(7 * PART_SIZE, author)
    remove_topic(gone, "Because.", by=ModeratorFactory())

    with django_assert_num_queries(1):
        numbers = parts_of(Topic.objects.visible_to(ANYBODY))

    assert numbers == [900, 5, 1, 0]
    assert [one for one in locations(client) if "topics" in one] == [
        f"/sitemap.xml?of=topics&part={number}" for number in numbers
    ]


def test_a_part_holds_its_numbers_and_when_they_changed(client):
    author = UserFactory()
    first, last, other = (topic_at(pk, author) for pk in (0, PART_SIZE - 1, PART_SIZE))

    page = client.get("/sitemap.xml?of=topics&part=0").content.decode()

    assert locations(client, "/sitemap.xml?of=topics&part=0") == [first.subject.address, last.subject.address]
    assert other.subject.address not in page
    assert re.findall(r"<lastmod>([^<]+)", page)[0] == first.spoken_at.isoformat(timespec="seconds")


@pytest.mark.parametrize(
    "asked",
    [
        "of=nothing&part=0",
        "of=topics",
        "of=topics&part=1",
        "of=topics&part=-1",
        "of=topics&part=x",
        "of=topics&part=²",
        "of=topics&part=99999999999999999999",
        "of=topics&part=999999999999999",
        "of=__class__&part=0",
    ],
)
def test_a_part_that_is_not_there_is_not_found(client, asked):
    begin_topic("A", by=UserFactory())

    assert client.get(f"/sitemap.xml?{asked}").status_code == 404


def test_files_never_grow_past_what_the_protocol_allows():
    assert PART_SIZE <= 50_000
    assert 5 * MOST_PARTS <= 50_000
    assert not part_of(Topic.objects.all(), 1 << 61).exists()


def test_what_has_not_changed_is_not_sent_again(client):
    begin_topic("A", by=UserFactory())
    [part] = [one for one in locations(client) if "topics" in one]
    first = client.get(part)

    again = client.get(part, headers={"If-None-Match": first["ETag"]})
    begin_topic("B", by=UserFactory())
    changed = client.get(part, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, changed.status_code) == (304, 200)
    assert first["Cache-Control"] == "public, max-age=3600"
    assert "Cookie" not in first.get("Vary", "")


def test_robots_learn_of_the_sitemap_and_what_to_leave_alone(client):
    text = client.get("/robots.txt").content.decode()

    assert text.startswith("User-agent: *\nDisallow: /accounts/\n")
    assert text.endswith("\n\nSitemap: http://testserver/sitemap.xml\n")
    for path in ("/staff/", "/moderation/", "/render$", "/settings/", "/api/", "/uploads/"):
        assert f"\nDisallow: {path}\n" in text
    assert "\nDisallow: /\n" not in text


# As RFC 9309 has it: a pattern is the beginning of a path, `*` any signs, `$` its end.
KEPT_OUT = ["/settings", "/settings/tokens", "/my", "/render?version=1", "/staff/renders", "/files/3/download/a.pt"]
LET_IN = ["/models", "/images/3", "/mira", "/staffan", "/rendersmith", "/mymodels", "/files/3/report", "/settings-fan"]


@pytest.mark.parametrize("path", [*KEPT_OUT, *LET_IN])
def test_robots_are_kept_from_what_is_meant_and_from_nobodys_page(client, path):
    lines = client.get("/robots.txt").content.decode().splitlines()
    patterns = [line.removeprefix("Disallow: ") for line in lines if line.startswith("Disallow: ")]

    def fits(pattern):
        return re.match(re.escape(pattern).replace(r"\*", ".*").replace(r"\$", r"\Z"), path)

    assert any(fits(pattern) for pattern in patterns) == (path in KEPT_OUT)


@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed-in"])
def test_where_one_signs_in_to_look_there_is_nothing_to_find(client, settings, signed_in):
    person = UserFactory()
    begin_topic("A", by=person)
    settings.LOGIN_TO_LOOK = True
    if signed_in:
        client.force_login(person)

    assert client.get("/sitemap.xml").status_code == 404
    assert client.get("/sitemap.xml?of=topics&part=0").status_code == 404
    assert client.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"
