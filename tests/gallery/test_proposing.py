"""What the classifier proposes, on the workbench and in the API: beside each picture, for its author to take or not."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from community.models import Report
from community.ratings import Rating
from gallery.models import Image, Post
from gallery.services.classifying import classify_picture
from gallery.services.publishing import publish_post
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import drafted, first, prepared
from tests.gallery.test_classifying import bright

pytestmark = pytest.mark.django_db
PROPOSES, MILDER = "The classifier proposes X.", '<span class="bench-row__milder">'


@pytest.fixture(autouse=True)
def classifier(settings):
    settings.PICTURE_CLASSIFIER = "tests.gallery.classifier"


@pytest.fixture
def owner(client):
    person = UserFactory(username="mira", browsing_level=31)
    client.force_login(person)
    return person


def scored(owner, light: int = 250, rating: Rating | None = None) -> Post:
    post = prepared(drafted(owner, bright(light), rating=rating))
    classify_picture(first(post).picture_id)
    return post


def bench(client, post: Post) -> str:
    return client.get(reverse("gallery:post-edit", args=[post.pk])).content.decode()


def own_side(client, image: Image) -> dict | None:
    return client.get(f"/api/safelight/v1/images/{image.pk}").json()["own"]


def test_the_proposal_stands_beside_the_picture_and_decides_nothing(client, owner):
    post = scored(owner)

    page = bench(client, post)

    assert PROPOSES in page
    assert "Rate it X" in page
    assert first(post).rating is None
    assert "Picture 1: choose how it is rated." in page


def test_one_press_takes_it(client, owner):
    post = scored(owner)

    client.post(reverse("gallery:post-edit", args=[post.pk]), {"do": f"propose:{first(post).pk}"})

    assert first(post).rating == Rating.X
    assert MILDER not in bench(client, post)


@pytest.mark.parametrize(
    ("rating", "is_milder"), [(Rating.PG, True), (Rating.R, True), (Rating.X, False), (Rating.XXX, False)]
)
def test_a_milder_rating_is_said_to_go_to_the_queue_and_goes_there(client, owner, rating, is_milder):
    post = scored(owner, rating=rating)

    assert (MILDER in bench(client, post)) is is_milder
    publish_post(post, by=owner)

    assert Report.objects.filter(source="classifier").exists() is is_milder
    assert first(post).rating == rating


def test_a_picture_that_is_not_scored_yet_says_nothing(client, owner):
    post = prepared(drafted(owner, bright(250)))

    assert "classifier proposes" not in bench(client, post)
    assert own_side(client, first(post))["proposed_rating"] is None


def test_without_the_extra_nothing_is_shown_though_a_score_is_left(client, owner, settings, monkeypatch):
    post = scored(owner)
    settings.PICTURE_CLASSIFIER = "gallery.classifiers.opennsfw"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    assert "classifier proposes" not in bench(client, post)
    client.post(reverse("gallery:post-edit", args=[post.pk]), {"do": f"propose:{first(post).pk}"})
    assert first(post).rating is None
    assert own_side(client, first(post))["proposed_rating"] is None


def test_programs_of_the_author_and_moderators_are_told_and_nobody_else_is(client, owner):
    post = scored(owner, rating=Rating.PG)
    publish_post(post, by=owner)
    image, stranger, moderator = first(post), Client(), Client()
    moderator.force_login(ModeratorFactory())

    answers = [each.get(f"/api/safelight/v1/posts/{post.pk}").json() for each in (client, moderator, stranger)]

    assert [answer["images"][0]["proposed_rating"] for answer in answers] == ["X", "X", None]
    assert own_side(client, image)["proposed_rating"] == "X"
    assert own_side(stranger, image) is None
