"""Preview pictures in our own API, from the first byte to the last."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client

from community.services.tokens import create_token
from registry.models import Picture
from registry.services.inspecting import inspect_upload
from registry.services.renditions import make_renditions
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory, VersionPreviewFactory
from tests.registry.pictures.hostile import JPEG, PNG
from tests.registry.pictures.rows import sent, shown
from tests.registry.uploads.sending import Sender

pytestmark = pytest.mark.django_db
API = "/api/safelight/v1"


@pytest.fixture
def version():
    return ModelVersionFactory()


@pytest.fixture
def owner(version) -> Client:
    client = Client()
    client.force_login(version.model.owner)
    return client


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def post(client: Client, path: str, **given):
    return client.post(API + path, given, content_type="application/json")


def patch(client: Client, path: str, **given):
    return client.patch(API + path, given, content_type="application/json")


def test_a_script_uploads_a_picture_and_gets_the_same_bytes_back(version, owner):
    upload = Sender(owner).send(PNG, "four.png")
    listed = post(owner, f"/versions/{version.pk}/pictures", upload=upload, alt="Four colors", rating="PG")
    assert listed.status_code == 201
    assert (listed.json()["state"], listed.json()["original"]) == ("waiting", None)

    inspect_upload(upload)
    make_renditions(Picture.objects.get().pk)

    found = owner.get(f"{API}/pictures/{listed.json()['id']}").json()
    assert found["state"] == "ready"
    assert (found["alt"], found["rating"], found["version"]) == ("Four colors", "PG", version.pk)
    assert (found["width"], found["height"], found["animated"], found["color"]) == (96, 64, False, "#848186")
    assert [(row["format"], row["width"], row["height"]) for row in found["renditions"]] == [("webp", 96, 64)]
    original = b"".join(owner.get(found["original"]).streaming_content)
    assert hashlib.sha256(original).digest() == hashlib.sha256(PNG).digest()


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"alt": "x", "rating": "PG"}, 400, "upload"),
        ({"upload": "nonsense", "rating": "PG"}, 400, "upload"),
        ({"upload": "00000000-0000-0000-0000-000000000000", "rating": "PG"}, 404, "upload"),
        ({"rating": None}, 400, "rating"),
        ({}, 400, "rating"),
        ({"rating": "pg"}, 400, "rating"),
        ({"rating": 1}, 400, "rating"),
        ({"rating": "PG", "alt": "x" * 501}, 400, "alt"),
        ({"rating": "PG", "alt": "a\0b"}, 400, "alt"),
        ({"rating": "PG", "alt": 5}, 400, "alt"),
    ],
)
def test_a_bad_request_names_the_field(version, owner, given, status, field):
    if ("upload" not in given and "alt" not in given | {"alt": 0}) or field != "upload":
        given = {"upload": str(sent(version.model.owner, PNG).pk), **given}

    answer = post(owner, f"/versions/{version.pk}/pictures", **given)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["field"] == field


def test_who_may_add_a_picture(version):
    def status(client: Client, upload_of) -> int:
        upload = str(sent(upload_of, PNG).pk)
        return post(client, f"/versions/{version.pk}/pictures", upload=upload, rating="PG").status_code

    stranger, moderator = UserFactory(), ModeratorFactory()
    assert status(Client(), stranger) == 401
    assert status(signed_in(stranger), stranger) == 404
    assert status(signed_in(moderator), moderator) == 403
    assert status(signed_in(version.model.owner), stranger) == 404


def test_a_token_needs_the_scope(version):
    person = version.model.owner
    statuses = []
    for scope in ("models:read", "models:write"):
        headers = {"Authorization": f"Bearer {create_token(person, 'script', [scope])[1]}"}
        upload = str(sent(person, PNG).pk)
        answer = Client().post(
            f"{API}/versions/{version.pk}/pictures",
            {"upload": upload, "rating": "PG"},
            content_type="application/json",
            headers=headers,
        )
        statuses.append(answer.status_code)

    assert statuses == [403, 201]


def test_a_picture_is_described_ordered_and_removed(version, owner):
    one, two = shown(version, PNG), shown(version, JPEG, name="a.jpg")

    changed = patch(owner, f"/pictures/{one.pk}", alt="New", rating="PG-13").json()
    ordered = post(owner, f"/versions/{version.pk}/pictures/order", pictures=[two.pk, one.pk]).json()
    removed = owner.delete(f"{API}/pictures/{two.pk}")
    left = owner.get(f"{API}/versions/{version.pk}/pictures").json()

    assert (changed["alt"], changed["rating"]) == ("New", "PG-13")
    assert [row["id"] for row in ordered["results"]] == [two.pk, one.pk]
    assert removed.status_code == 204
    assert [row["id"] for row in left["results"]] == [one.pk]


@pytest.mark.parametrize("pictures", ["x", [1.5], ["a"], [], [0], [2**70], list(range(100)), None])
def test_a_bad_order_is_refused(version, owner, pictures):
    shown(version, PNG)

    answer = post(owner, f"/versions/{version.pk}/pictures/order", pictures=pictures)

    assert answer.status_code == 400
    assert answer.json()["field"].startswith("pictures")


@pytest.mark.parametrize("given", [{"rating": "Z"}, {"rating": None}, {"alt": None}, {"alt": ["x"]}])
def test_a_bad_change_is_refused(version, owner, given):
    preview = shown(version, PNG)

    answer = patch(owner, f"/pictures/{preview.pk}", **given)

    assert answer.status_code == 400
    assert answer.json()["field"] in given


def test_who_may_change_a_picture():
    version = ModelVersionFactory(published=True)
    preview = shown(version, PNG)
    path = f"/pictures/{preview.pk}"

    def statuses(client: Client) -> list[int]:
        return [
            client.get(API + path).status_code,
            patch(client, path, alt="x").status_code,
            post(client, f"/versions/{version.pk}/pictures/order", pictures=[preview.pk]).status_code,
            client.delete(API + path).status_code,
        ]

    assert statuses(Client()) == [200, 401, 401, 401]
    assert statuses(signed_in(UserFactory())) == [200, 403, 403, 403]
    assert statuses(signed_in(ModeratorFactory())) == [200, 403, 403, 403]
    assert statuses(signed_in(version.model.owner)) == [200, 200, 200, 204]


def test_strangers_are_told_only_of_pictures_they_may_see():
    version = ModelVersionFactory(published=True)
    plain = shown(version, PNG)
    VersionPreviewFactory(version=version, rating=8)
    refused = shown(version, PNG[:-20])
    waiting = VersionPreviewFactory(version=version, picture__state="waiting")

    def ids(client: Client) -> list[int]:
        return [row["id"] for row in client.get(f"{API}/versions/{version.pk}/pictures").json()["results"]]

    assert ids(Client()) == ids(signed_in(UserFactory())) == [plain.pk]
    assert len(ids(signed_in(version.model.owner))) == 4
    assert [Client().get(f"{API}/pictures/{preview.pk}").status_code for preview in (refused, waiting)] == [404, 404]


def test_the_reason_of_a_refusal_is_told(version, owner):
    upload = sent(version.model.owner, b"<html>", "page.png")

    answer = post(owner, f"/versions/{version.pk}/pictures", upload=str(upload.pk), rating="PG").json()

    assert answer["state"] == "refused"
    assert answer["error"] == {
        "code": "disguised",
        "detail": "The file is named .png but is no picture (found: a web page).",
    }


def test_a_list_costs_the_same_however_long_it_is(django_assert_max_num_queries):
    version = ModelVersionFactory(published=True)
    VersionPreviewFactory.create_batch(12, version=version)

    with django_assert_max_num_queries(4):
        answer = Client().get(f"{API}/versions/{version.pk}/pictures")

    assert len(answer.json()["results"]) == 12
