"""What is not for everybody is in no feed, in no sitemap and in no robot's file, whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from community.ratings import Rating
from community.services.deciding import Act, Order, decide
from community.services.topics import begin_topic, remove_topic
from gallery.models import Image
from gallery.services.collecting import add_to_collection, create_collection
from gallery.services.listing import refresh_images
from gallery.services.publishing import delete_post, publish_post
from registry.models import ModelVersion
from registry.services.listing import refresh_listing
from tests.factories import ModelVersionFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.gallery.rows import drafted, first, painted, posted, prepared
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db
# Stands in every word of what is hidden, and nowhere else.
SECRET = "zmyslenie"
TAG = "ink"


def _image(mira, **fields):
    return first(posted(mira, painted(), title=SECRET, tags=[TAG], **fields))


def _refreshed(image: Image, **changes: Any) -> Image:
    Image.objects.filter(pk=image.pk).update(**changes)
    with transaction.atomic():
        refresh_images(Image.objects.filter(pk=image.pk))
    return image


def draft_model(mira):
    model = RegisteredModelFactory(owner=mira, title=SECRET, name=SECRET)
    ModelVersionFactory(model=model, name=SECRET)
    return model


def withdrawn_model(mira):
    model = public_model(SECRET, owner=mira, name=SECRET, tags=[TAG])
    model.versions.update(state=ModelVersion.State.WITHDRAWN)
    with transaction.atomic():
        return refresh_listing(model)


def taken_down_model(mira):
    model = public_model(SECRET, owner=mira, name=SECRET, tags=[TAG])
    model.taken_down_at, model.taken_down_reason = timezone.now(), "Because."
    model.save()
    with transaction.atomic():
        return refresh_listing(model)


def draft_version_of_a_public_model(mira):
    model = public_model("Tidewater", owner=mira, name="tidewater", tags=[TAG])
    ModelVersionFactory(model=model, name=SECRET, notes=SECRET)
    return model


def draft_post(mira):
    return first(prepared(drafted(mira, title=SECRET, tags=[TAG])))


def scheduled_post(mira):
    post = prepared(drafted(mira, title=SECRET, tags=[TAG]))
    return first(publish_post(post, by=mira, at=timezone.now() + timedelta(days=1)))


def deleted_post(mira):
    image = _image(mira)
    delete_post(image.post, by=mira)
    return image


def blocked_bytes(mira):
    image = _image(mira)
    image.picture.blob.verdict = "blocked"
    image.picture.blob.save()
    return image


def rated(rating):
    return lambda mira: _image(mira, rating=rating)


def removed_topic(mira):
    topic = begin_topic(SECRET, SECRET, [TAG], by=mira)
    remove_topic(topic, "Because.", by=ModeratorFactory())
    return topic


def private_collection(mira):
    return create_collection(SECRET, SECRET, "private", by=mira)


def unlisted_collection(mira):
    return create_collection(SECRET, SECRET, "unlisted", by=mira)


def removed_collection(mira):
    collection = create_collection(SECRET, SECRET, "public", by=mira)
    decide(collection.subject, Order(Act.REMOVE, reason="Because."), by=ModeratorFactory())
    return collection


HIDDEN: dict[str, Callable[[Any], Any]] = {
    "draft model": draft_model,
    "withdrawn": withdrawn_model,
    "taken down": taken_down_model,
    "draft version": draft_version_of_a_public_model,
    "draft post": draft_post,
    "scheduled": scheduled_post,
    "deleted": deleted_post,
    "held": lambda mira: _refreshed(_image(mira), state=Image.State.HELD),
    "removed": lambda mira: _refreshed(_image(mira), state=Image.State.REMOVED),
    "blocked": blocked_bytes,
    "PG-13": rated(Rating.PG13),
    "R": rated(Rating.R),
    "X": rated(Rating.X),
    "XXX": rated(Rating.XXX),
    "removed topic": removed_topic,
    "private collection": private_collection,
    "unlisted collection": unlisted_collection,
    "removed collection": removed_collection,
}


def addresses_of(thing, showcase) -> list[str]:
    """Every feed that might name a thing, each file of the sitemap, and the robots' file."""
    feeds = ["/models.atom", f"/models.atom?q={SECRET}", f"/models.atom?tag={TAG}&sort=downloads", "/images.atom"]
    feeds += [f"/images.atom?q={SECRET}", f"/images.atom?tag={TAG}&sort=comments", "/images.atom?owner=mira"]
    feeds += ["/people/mira.atom", f"/tags.atom?tag={TAG}", f"/tags.atom?tag={SECRET}", "/discuss.atom"]
    feeds += [f"/discuss.atom?tag={TAG}", f"/collections/{showcase.code}.atom", f"/mira/{SECRET}/feed.atom"]
    feeds += ["/mira/tidewater/feed.atom", "/robots.txt", "/sitemap.xml"]
    kinds = ("models", "images", "people", "topics", "collections")
    return feeds + [f"/sitemap.xml?of={kind}&part=0" for kind in kinds]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_not_for_everybody_is_told_to_no_reader_and_no_robot(client, name):
    """The people who may see it themselves (its owner, a moderator) get the same feeds as everybody."""
    mira = UserFactory(username="mira", browsing_level=31)
    thing = HIDDEN[name](mira)
    showcase = create_collection("Showcase", "", "public", by=mira)
    if thing.subject.kind in ("model", "image"):
        add_to_collection(showcase, thing.subject, by=mira)
    own_pages = {thing.get_absolute_url(), getattr(thing, "original_address", "")} - {"", "/mira/tidewater"}

    for person in (None, UserFactory(browsing_level=31), mira, ModeratorFactory(browsing_level=31)):
        if person is not None:
            client.force_login(person)
        for address in addresses_of(thing, showcase):
            answer = client.get(address)
            found = answer.content.decode().replace(f"q={SECRET}", "").replace(f"tag={SECRET}", "")
            told = answer.status_code == 200
            assert not told or SECRET not in _without_asking(found), (name, address)
            for page in own_pages:
                assert not told or f"{page}<" not in found, (name, address)
                assert not told or f'{page}"' not in found, (name, address)


def _without_asking(document: str) -> str:
    """The document without what it repeats of the question: the title of a search and of a tag."""
    return document.replace(f"Models: {SECRET}", "").replace(f"Images: {SECRET}", "").replace(f"#{SECRET}", "")


SHOWN = {
    "model": lambda mira: public_model(SECRET, owner=mira, name=SECRET, tags=[TAG]),
    "image": _image,
    "topic": lambda mira: begin_topic(SECRET, SECRET, [TAG], by=mira),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_same_things_are_told_while_they_are_public(client, name):
    """The proof that the test above looks in the right places."""
    mira = UserFactory(username="mira")
    thing = SHOWN[name](mira)
    showcase = create_collection("Showcase", "", "public", by=mira)
    if name != "topic":
        add_to_collection(showcase, thing.subject, by=mira)

    telling = []
    for address in addresses_of(thing, showcase):
        answer = client.get(address)
        if answer.status_code == 200 and f"{thing.get_absolute_url()}" in answer.content.decode():
            telling.append(address.partition("?")[0] + ("?of" if "?of" in address else ""))

    expected = {"/tags.atom", "/sitemap.xml?of"}
    expected |= {"/discuss.atom"} if name == "topic" else {"/people/mira.atom", f"/collections/{showcase.code}.atom"}
    expected |= {"model": {"/models.atom", f"/mira/{SECRET}/feed.atom"}, "image": {"/images.atom"}}.get(name, set())
    assert set(telling) == expected


def test_people_are_in_the_sitemap_only_with_something_to_show(client):
    _image(UserFactory(username="with-image"))
    public_model("A", owner=UserFactory(username="with-model"))
    _image(UserFactory(username="with-bare-image"), rating=Rating.X)
    UserFactory(username="with-nothing")
    public_model("B", owner=UserFactory(username="gone", is_active=False))

    page = client.get("/sitemap.xml?of=people&part=0").content.decode()

    assert "/with-image<" in page
    assert "/with-model<" in page
    for name in ("with-bare-image", "with-nothing", "/gone"):
        assert name not in page


def test_a_sitemap_asks_the_database_as_often_however_much_there_is(client, django_assert_num_queries):
    mira = UserFactory(username="mira")
    for number in range(3):
        public_model(f"M{number}", owner=mira)
        begin_topic(f"T{number}", by=mira)
        with django_assert_num_queries(5):
            client.get("/sitemap.xml")
        with django_assert_num_queries(1):
            client.get("/sitemap.xml?of=models&part=0")


def test_an_image_is_in_the_sitemap_with_its_picture(client):
    image = _image(UserFactory(username="mira"))

    page = client.get("/sitemap.xml?of=images&part=0").content.decode()

    assert f"<image:loc>http://testserver{image.original_address}</image:loc>" in page
