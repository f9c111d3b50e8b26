"""Media addresses: who gets which bytes, and what is said about them."""

from __future__ import annotations

import itertools

import pytest
from django.test import Client

from community.ratings import Rating, level_up_to
from registry.models import VersionPreview
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory
from tests.registry.pictures.hostile import AVIF, GIF, JPEG, PNG, WEBP
from tests.registry.pictures.rows import shown

pytestmark = pytest.mark.django_db

PEOPLE = ["anonymous", "stranger", "grown stranger", "owner", "moderator"]


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def version():
    return ModelVersionFactory(published=True)


@pytest.fixture
def clients(version) -> dict[str, Client]:
    return {
        "anonymous": Client(),
        "stranger": signed_in(UserFactory()),
        "grown stranger": signed_in(UserFactory(browsing_level=level_up_to(Rating.XXX))),
        "owner": signed_in(version.model.owner),
        "moderator": signed_in(ModeratorFactory()),
    }


def addresses(preview: VersionPreview) -> list[str]:
    (copy,) = preview.copies("webp")
    return [preview.original_address, preview.address_of(copy)]


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def drain(response) -> None:
    """Read to the end, where the test client closes what stands open."""
    if response.streaming:
        body(response)


def test_who_sees_what(version, clients):
    """Person × state of the version × rating: the one table of what leaks to nobody."""
    previews = {rating: shown(version, PNG, rating) for rating in Rating}
    states = [
        {"state": "draft"},
        {"state": "published"},
        {"state": "withdrawn"},
        {"state": "published", "model__taken_down_at": "2026-01-01T00:00Z"},
    ]
    for fields in states:
        put_in_state(version, **fields)
        public = fields == {"state": "published"}
        for rating, (who, client) in itertools.product(Rating, clients.items()):
            allowed = who in {"owner", "moderator"} or (public and (rating == Rating.PG or who == "grown stranger"))
            for address in addresses(previews[rating]):
                response = client.get(address)
                assert response.status_code == (200 if allowed else 404), (fields, rating, who, address)
                cache = "public, max-age=3600" if public and rating == Rating.PG else "private, no-cache"
                assert response["Cache-Control"] == cache, (fields, rating, who)
                drain(response)


def put_in_state(version, state: str, model__taken_down_at=None) -> None:
    type(version).objects.filter(pk=version.pk).update(state=state)
    type(version.model).objects.filter(pk=version.model_id).update(taken_down_at=model__taken_down_at)


@pytest.mark.parametrize(
    ("data", "name", "mime", "saved_as"),
    [
        (PNG, "a.png", "image/png", "png"),
        (JPEG, "a.jpg", "image/jpeg", "jpg"),
        (WEBP, "a.webp", "image/webp", "webp"),
        (AVIF, "a.avif", "image/avif", "avif"),
        (GIF, "a.gif", "image/gif", "gif"),
    ],
)
def test_the_original_is_served_as_it_was_sent(version, client, data, name, mime, saved_as):
    preview = shown(version, data, name=name)

    response = client.get(preview.original_address)

    assert body(response) == data
    assert response["Content-Type"] == mime
    assert response["Content-Length"] == str(len(data))
    assert response["Content-Disposition"] == f'inline; filename="preview-{preview.pk}.{saved_as}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Cookie" not in response.get("Vary", "")


def test_a_copy_is_served_with_its_type(version, client):
    preview = shown(version, PNG)

    response = client.get(f"/media/previews/{preview.pk}/96.webp")

    assert response["Content-Type"] == "image/webp"
    assert body(response)[8:12] == b"WEBP"


def test_an_unchanged_picture_is_not_sent_again(version, client):
    for address in addresses(shown(version, PNG)):
        first = client.get(address)
        body(first)

        again = client.get(address, headers={"If-None-Match": first["ETag"]})

        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert again["Cache-Control"] == first["Cache-Control"]


def test_an_unchanged_picture_is_still_hidden_from_strangers(version, client):
    preview = shown(version, PNG, Rating.X)
    response = signed_in(version.model.owner).get(preview.original_address)
    drain(response)
    tag = response["ETag"]

    assert client.get(preview.original_address, headers={"If-None-Match": tag}).status_code == 404


def test_the_head_alone_has_the_same_headers(version, client):
    for address in addresses(shown(version, PNG)):
        whole, head = client.get(address), client.head(address)

        assert head.status_code == 200
        assert head.content == b""
        assert dict(head.headers) == dict(whole.headers)
        drain(whole)


def test_addresses_tell_nothing_of_the_bytes(version, client):
    other = ModelVersionFactory(published=True)
    one, two = shown(version, PNG), shown(other, PNG)
    responses = [client.get(preview.original_address) for preview in (one, two)]

    tags = {response["ETag"] for response in responses}

    assert one.picture == two.picture
    assert len(tags) == 2
    assert not any(one.picture.blob_id[:8] in str(response.headers) for response in responses)
    for response in responses:
        drain(response)


@pytest.mark.parametrize(
    "path",
    [
        "0/original",
        "99999999999999999999999999/original",
        "{pk}/97.webp",
        "{pk}/96.avif",
        "{pk}/96.png",
        "{pk}/0.webp",
        "{pk}/99999999999999999999999999.webp",
        "{pk}/96.webp/",
        "{pk}",
    ],
)
def test_what_is_not_there_is_404(version, client, path):
    preview = shown(version, PNG)

    assert client.get("/media/previews/" + path.format(pk=preview.pk)).status_code == 404


def test_pictures_are_only_read(version, client):
    assert client.post(shown(version, PNG).original_address).status_code == 405


def test_a_picture_that_waits_or_was_refused_is_not_served(version):
    owner = signed_in(version.model.owner)
    refused, ready = shown(version, PNG[:-20]), shown(version, PNG)
    type(ready.picture).objects.filter(pk=ready.picture_id).update(state="running")

    for preview in (refused, ready):
        assert owner.get(preview.original_address).status_code == 404


def test_blocked_bytes_are_not_served_to_their_owner_either(version):
    preview = shown(version, PNG)
    type(preview.picture.blob).objects.update(verdict="blocked")

    assert signed_in(version.model.owner).get(preview.original_address).status_code == 404


def test_what_visitors_see_is_a_setting(version, client, settings):
    preview = shown(version, PNG, Rating.R)
    settings.ANONYMOUS_RATING = "R"

    response = client.get(preview.original_address)

    assert response["Cache-Control"].startswith("public")
    drain(response)


def test_a_site_that_asks_for_a_name_lets_no_cache_keep_its_pictures(version, settings):
    preview = shown(version, PNG)
    settings.LOGIN_TO_LOOK = True

    stranger, visitor = signed_in(UserFactory()), Client()

    response = stranger.get(preview.original_address)
    assert response["Cache-Control"] == "private, no-cache"
    drain(response)
    assert visitor.get(preview.original_address).status_code in {302, 404}


def test_a_public_picture_costs_few_queries(version, client, django_assert_num_queries):
    original, copy = addresses(shown(version, PNG))

    with django_assert_num_queries(1):
        drain(client.get(original))
    with django_assert_num_queries(2):
        drain(client.get(copy))
