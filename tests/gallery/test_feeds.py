"""Images as a feed, and feeds of people, tags and models, which hold several kinds of things."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from community.models import Subject
from community.ratings import Rating
from community.services.deciding import Act, Order, decide
from community.services.topics import begin_topic
from gallery.models import ImageSearch
from gallery.services.collecting import add_to_collection, create_collection
from gallery.services.posting import edit_image
from registry.services.listing import refresh_listing
from tests.community.feed_reading import ATOM, link, pictures, read_feed, text, titles, walk
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, told
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira():
    return UserFactory(username="mira", display_name="Mira Kessler", browsing_level=31)


def test_images_are_a_feed_with_the_picture_its_words_and_nothing_of_how_it_was_made(client, mira):
    image = first(posted(mira, told(INFOTEXT.format(model="00")), title="Harbor", tags=["ink"]))

    feed = read_feed(client, "/images.atom")
    [entry] = feed.findall(f"{ATOM}entry")

    assert (text(entry, "title"), text(entry, "author/name")) == ("Harbor", "Mira Kessler")
    assert text(entry, "id") == f"tag:localhost,2026:image/{image.pk}"
    assert link(entry, "enclosure") == f"http://testserver{image.src}"
    [picture] = pictures(entry)
    assert (picture["src"], picture["alt"]) == (f"http://testserver{image.src}", "Harbor")
    assert client.head(image.src).status_code == 200
    assert "lanterns" not in client.get("/images.atom").content.decode()


def test_the_feed_of_images_takes_the_query_string_of_the_list(client, mira):
    posted(mira, title="Harbor", tags=["ink"])
    posted(UserFactory(username="ozan"), title="Kiln", tags=["paper"])

    assert titles(read_feed(client, "/images.atom?tag=ink")) == ["Harbor"]
    assert titles(read_feed(client, "/images.atom?q=kiln&period=day")) == ["Kiln"]
    assert titles(read_feed(client, "/images.atom?owner=mira&sort=reactions")) == ["Harbor"]
    page = client.get("/images?tag=ink&sort=reactions").content.decode()
    assert page.count('href="/images.atom?tag=ink"') == 2


def test_mixed_feeds_can_be_read_to_their_end_each_entry_once(client, mira):
    """Models and images of the very same moment, around the edge of a page."""
    moment = timezone.now() - timedelta(days=1)
    models = [public_model(f"M{number}", owner=mira, tags=["ink"], published_at=moment) for number in range(20)]
    post = posted(mira, *(painted() for _number in range(6)), tags=["ink"])
    ImageSearch.objects.update(published_at=moment)
    late = [public_model(f"L{n}", owner=mira, tags=["ink"], published_at=moment - timedelta(n + 1)) for n in range(8)]

    by_person, by_tag = walk(client, "/people/mira.atom"), walk(client, "/tags.atom?tag=Ink")

    kinds = [("model", one.pk) for one in [*models, *late]] + [("image", one.pk) for one in post.images.all()]
    expected = sorted(f"tag:localhost,2026:{kind}/{pk}" for kind, pk in kinds)
    assert sorted(by_person) == sorted(by_tag) == expected
    assert by_person == by_tag
    assert by_person[-8:] == [f"tag:localhost,2026:model/{model.pk}" for model in late]


def test_the_feed_of_a_person_holds_their_work_newest_first(client, mira):
    public_model("Tidewater", owner=mira, published_at=timezone.now() - timedelta(days=2))
    posted(mira, title="Harbor")
    public_model("Another", owner=UserFactory())

    feed = read_feed(client, "/people/Mira.atom")

    assert titles(feed) == ["Harbor", "Tidewater"]
    assert (text(feed, "title"), text(feed, "author/name")) == ("Mira Kessler", "Mira Kessler")
    assert link(feed, "self") == "http://testserver/people/mira.atom"
    assert link(feed, "alternate") == "http://testserver/mira"
    assert 'href="/people/mira.atom"' in client.get("/mira").content.decode()


@pytest.mark.parametrize("name", ["mira.atom", "models", "x.atom.atom"])
def test_whatever_a_person_is_called_their_feed_is_found(client, name):
    posted(UserFactory(username=name), title="Harbor")

    assert titles(read_feed(client, f"/people/{name}.atom")) == ["Harbor"]


def test_a_name_that_ends_like_a_feed_is_still_a_persons(client):
    UserFactory(username="mira.atom")

    assert client.get("/mira.atom")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["nobody", "gone", "a b", "%00"])
def test_there_is_no_feed_of_somebody_who_is_not_there(client, name):
    UserFactory(username="gone", is_active=False)

    assert client.get(f"/people/{name}.atom").status_code in (400, 404)


def test_the_feed_of_a_tag_holds_models_images_and_topics(client, mira):
    public_model("Tidewater", tags=["Ink"], published_at=timezone.now() - timedelta(days=2))
    posted(mira, title="Harbor", tags=["ink"])
    begin_topic("Which paper?", tags=["ink"], by=mira)
    begin_topic("Other", by=mira)

    feed = read_feed(client, "/tags.atom?tag=INK")

    assert titles(feed) == ["Which paper?", "Harbor", "Tidewater"]


@pytest.mark.parametrize("tag", ["nothing", "a/b", "../x", "é", "'", "x" * 61, "a\0b"])
def test_a_tag_that_nobody_has_used_is_an_empty_feed(client, tag):
    public_model("Tidewater", tags=["ink"])

    answer = client.get(f"/tags.atom?tag={quote(tag, safe='')}")

    assert answer.status_code == (400 if "\0" in tag else 200)
    if answer.status_code == 200:
        assert titles(read_feed(client, f"/tags.atom?tag={quote(tag, safe='')}")) == []


def test_without_a_tag_there_is_no_feed_of_one(client):
    assert client.get("/tags.atom").status_code == 404


def test_the_feed_of_a_model_holds_its_versions_and_what_people_made(client, mira):
    model = public_model("Tidewater", owner=mira, name="tidewater", words=["tide"])
    version = model.versions.get()
    newer = ModelVersionFactory(model=model, published=True, name="v2", notes="Sharper.", published_at=timezone.now())
    ModelVersionFactory(model=model, name="v3-draft")
    refresh_listing(model)
    posted(UserFactory(), title="Made by another", version=version)
    posted(mira, title="Unrelated")

    feed = read_feed(client, "/mira/Tidewater/feed.atom")

    assert titles(feed) == ["Made by another", "Tidewater v2", f"Tidewater {version.name}"]
    entries = feed.findall(f"{ATOM}entry")
    assert text(entries[1], "id") == f"tag:localhost,2026:version/{newer.pk}"
    assert "Sharper." in text(entries[1], "content")
    assert "Trigger words: tide" in text(entries[2], "summary")
    page = client.get("/mira/tidewater").content.decode()
    assert page.count('href="/mira/tidewater/feed.atom"') == 2


def test_a_rating_that_strangers_may_see_is_a_setting(client, mira, settings):
    posted(mira, title="Bare", rating=Rating.R)

    closed = titles(read_feed(client, "/people/mira.atom"))
    settings.ANONYMOUS_RATING = "R"

    assert (closed, titles(read_feed(client, "/people/mira.atom"))) == ([], ["Bare"])
    assert titles(read_feed(client, "/images.atom")) == ["Bare"]


def collected(owner, visibility, *things):
    collection = create_collection("Ink and wash", "What I like.", visibility, by=owner)
    for thing in things:
        add_to_collection(collection, thing.subject, by=owner)
    return collection


@pytest.mark.parametrize(("visibility", "status"), [("public", 200), ("unlisted", 200), ("private", 404)])
def test_the_feed_of_a_collection_is_there_for_whoever_may_have_its_address(client, mira, visibility, status):
    collection = collected(mira, visibility, public_model("Tidewater"))
    address = f"/collections/{collection.code}.atom"

    anonymous = client.get(address).status_code
    client.force_login(mira)
    own = client.get(address).status_code
    page = client.get(collection.get_absolute_url()).content.decode()

    assert (anonymous, own) == (status, status)
    assert (address in page) == (status == 200)


def test_the_feed_of_a_collection_holds_what_was_put_there_last_first(client, mira):
    image = first(posted(mira, title="Harbor"))
    model = public_model("Tidewater")
    bare = first(posted(mira, title="Bare", rating=Rating.X))
    collection = collected(mira, "public", image, model, bare)

    feed = read_feed(client, f"/collections/{collection.code}.atom")

    assert titles(feed) == ["Tidewater", "Harbor"]
    assert text(feed, "title") == "Ink and wash"
    assert link(feed.findall(f"{ATOM}entry")[1], "enclosure") == f"http://testserver{image.src}"
    items = collection.items.filter(subject__in=[image.subject, model.subject]).order_by("-added_at")
    ids = [text(entry, "id") for entry in feed.findall(f"{ATOM}entry")]
    assert ids == [f"tag:localhost,2026:item/{item.pk}" for item in items]


def test_posts_are_a_feed_with_all_their_pictures_and_their_words(client, mira):
    post = posted(mira, painted(), painted(), title="Harbor", caption="At **night**.", tags=["ink"])
    one, other = post.images.order_by("position")
    edit_image(one, by=mira, alt="Lanterns")

    for address in ("/posts.atom", "/people/mira/posts.atom"):
        [entry] = read_feed(client, address).findall(f"{ATOM}entry")

        assert (text(entry, "title"), text(entry, "author/name")) == ("Harbor", "Mira Kessler")
        assert text(entry, "id") == f"tag:localhost,2026:post/{post.pk}"
        assert "<strong>night</strong>" in text(entry, "content")
        shown = [(picture["src"], picture["alt"]) for picture in pictures(entry)]
        assert shown == [(f"http://testserver{one.src}", "Lanterns"), (f"http://testserver{other.src}", "Harbor")]
        assert [tag.get("term") for tag in entry.findall(f"{ATOM}category")] == ["ink"]


def test_a_post_shows_in_its_feed_only_what_everybody_may_see(client, mira):
    post = posted(mira, painted(), painted(), painted(), title="Harbor")
    mild, strong, held = post.images.order_by("position")
    edit_image(strong, by=mira, rating=Rating.R)
    decide(held.subject, Order(Act.HOLD, rule="stolen"), by=ModeratorFactory())
    posted(mira, rating=Rating.XXX, title="Kiln")
    posted(UserFactory(), title="Mill")
    drafted(mira, title="Draft")

    feed = read_feed(client, "/people/mira/posts.atom")
    [entry] = feed.findall(f"{ATOM}entry")

    assert [picture["src"] for picture in pictures(entry)] == [f"http://testserver{mild.src}"]
    assert titles(read_feed(client, "/posts.atom")) == ["Mill", "Harbor"]


def test_a_feed_of_posts_is_read_to_its_end(client, mira):
    for number in range(35):
        posted(mira, title=f"P{number}")

    assert len(walk(client, "/posts.atom")) == len(walk(client, "/people/mira/posts.atom")) == 35


def test_a_profile_leads_to_its_posts_and_the_images_to_everybodys(client, mira):
    assert 'href="/people/mira/posts.atom"' in client.get("/mira").content.decode()
    assert 'href="/posts.atom"' in client.get("/images").content.decode()
    assert client.get("/people/nobody/posts.atom").status_code == 404


COSTS = {"/people/mira.atom": 10, "/tags.atom?tag=ink": 12, "/mira/tidewater/feed.atom": 9, "/images.atom": 5}
COSTS |= {"/posts.atom": 7, "/people/mira/posts.atom": 8}


def test_feeds_ask_the_database_as_often_however_long_they_are(client, mira, django_assert_num_queries):
    model = public_model("Tidewater", owner=mira, name="tidewater", tags=["ink"])
    posted(mira, title="Harbor", tags=["ink"], version=model.versions.get())
    begin_topic("Which paper?", tags=["ink"], by=mira)
    collection = collected(mira, "public", model, first(mira.posts.get()))
    costs = {**COSTS, f"/collections/{collection.code}.atom": 12}
    for address, count in costs.items():
        with django_assert_num_queries(count, info=address):
            assert client.get(address).status_code == 200
    for number in range(3):
        public_model(f"M{number}", owner=mira, tags=["ink"])
    ModelVersionFactory(model=model, published=True)
    posted(mira, painted(), painted(), title="Harbor", tags=["ink"], version=model.versions.first())
    for subject in Subject.objects.filter(kind__in=("model", "image")):
        add_to_collection(collection, subject, by=mira)
    for address, count in costs.items():
        with django_assert_num_queries(count, info=address):
            client.get(address)
