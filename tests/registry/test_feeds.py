"""Models as a feed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from community.ratings import Rating
from registry.models import Rendition
from registry.search import ModelQuery, search_models
from tests.community.feed_reading import ATOM, link, pictures, read_feed, text, titles, walk
from tests.factories import PictureFactory, UserFactory, VersionPreviewFactory
from tests.registry.search.rows import ANYBODY, public_model

pytestmark = pytest.mark.django_db


def aged(minutes):
    return timezone.now() - timedelta(minutes=minutes)


def shown(model, rating=Rating.PG, alt="An ink harbor"):
    picture = PictureFactory()
    for width in (320, 640):
        Rendition.objects.create(picture=picture, format="webp", width=width, height=width, size=width, key=f"k{width}")
    return VersionPreviewFactory(version=model.versions.get(), picture=picture, rating=rating, alt=alt)


def test_models_are_a_feed_newest_first_with_a_picture_and_its_words(client):
    public_model("Old", published_at=aged(9))
    model = public_model("Tidewater", tags=["ink"], description="For **ink**.", owner=UserFactory(username="mira"))
    preview = shown(model)

    feed = read_feed(client, "/models.atom")
    newest = feed.find(f"{ATOM}entry")

    assert titles(feed) == ["Tidewater", "Old"]
    assert text(newest, "id") == f"tag:localhost,2026:model/{model.pk}"
    assert link(newest, "alternate") == f"http://testserver/mira/{model.name}"
    assert text(newest, "summary") == "LoRA · SD 1.5 For **ink**."
    assert "<strong>ink</strong>" in text(newest, "content")
    [picture] = pictures(newest)
    assert picture["src"] == f"http://testserver/media/previews/{preview.pk}/640.webp"
    assert picture["alt"] == "An ink harbor"
    enclosure = next(one for one in newest.findall(f"{ATOM}link") if one.get("rel") == "enclosure")
    assert (enclosure.get("type"), enclosure.get("length"), enclosure.get("title")) == (
        "image/webp",
        "640",
        "An ink harbor",
    )


def test_a_picture_that_a_stranger_does_not_see_is_in_no_feed(client):
    shown(public_model("Tidewater"), rating=Rating.X, alt="Not for all")

    feed = read_feed(client, "/models.atom")

    assert pictures(feed.find(f"{ATOM}entry")) == []
    assert b"Not for all" not in client.get("/models.atom").content


FILTERS = {
    "words": "q=tidewater",
    "tag": "tag=Ink",
    "operator": "q=%23ink",
    "type": "type=lora&tag=ink",
    "base": "base_model=SDXL+1.0",
    "owner": "q=%40mira",
    "typing mistake": "q=tidewatr",
}


@pytest.mark.parametrize("asked", FILTERS.values(), ids=list(FILTERS))
def test_a_feed_takes_the_query_string_of_the_list(client, asked):
    public_model("Tidewater", tags=["ink"], base_model="SDXL 1.0", owner=UserFactory(username="mira"))
    public_model("Paper Theatre", tags=["paper"], type="checkpoint")

    feed = read_feed(client, f"/models.atom?{asked}")

    assert titles(feed) == ["Tidewater"]
    assert client.get(link(feed, "alternate").removeprefix("http://testserver")).status_code == 200
    assert titles(read_feed(client, link(feed, "self").removeprefix("http://testserver"))) == ["Tidewater"]


@pytest.mark.parametrize(("asked", "first"), [("", "New"), ("?sort=downloads", "Loved"), ("?sort=relevance", "New")])
def test_the_newest_come_first_unless_another_order_is_named(client, asked, first):
    public_model("Loved", downloads=900, published_at=aged(9))
    public_model("New")

    feed = read_feed(client, f"/models.atom{asked}")

    assert titles(feed)[0] == first
    assert link(feed, "self").endswith("?sort=downloads") == (first == "Loved")


def test_a_feed_can_be_read_to_its_end_by_the_cursors_of_the_list(client):
    models = [public_model(f"M{number}", published_at=aged(number)) for number in range(32)]
    listed = search_models(ModelQuery(sort="newest"), ANYBODY, size=30)

    ids = walk(client, "/models.atom")
    second = read_feed(client, f"/models.atom?cursor={listed.next_cursor}")

    assert ids == [f"tag:localhost,2026:model/{model.pk}" for model in models]
    assert titles(second) == ["M30", "M31"]


def test_the_list_leads_to_the_feed_of_what_it_shows(client):
    public_model("Tidewater", tags=["ink"])

    page = client.get("/models?q=tide&tag=ink&sort=updated").content.decode()

    assert 'type="application/atom+xml" href="/models.atom?q=tide&amp;tag=ink&amp;sort=updated"' in page
    assert 'type="application/atom+xml" href="/models.atom"' in client.get("/").content.decode()


def test_a_feed_asks_the_database_as_often_however_long_it_is(client, django_assert_num_queries):
    def ask():
        return client.get("/models.atom?type=lora")

    for number in range(2):
        shown(public_model(f"M{number}", tags=["ink"]))
    with django_assert_num_queries(5):
        ask()
    for number in range(12):
        shown(public_model(f"N{number}", tags=["ink", "paper"], words=["tide"]))
    with django_assert_num_queries(5):
        assert len(read_feed(client, "/models.atom?type=lora").findall(f"{ATOM}entry")) == 14
