"""Scores of pictures: asked in a jailed child, and what follows from them."""

from __future__ import annotations

import pytest
from django.urls import reverse
from PIL import Image as Pixels

from community.models import Case, Report
from community.ratings import Rating
from community.services.deciding import Act, Order, decide_case
from gallery.models import PictureScore
from gallery.services.classifying import classify_picture, have_scored, is_on, proposed_rating, standing, sweep_scores
from gallery.services.posting import edit_image
from tests.factories import ModeratorFactory
from tests.gallery.rows import first, posted
from tests.registry.pictures.build import saved

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def classifier(settings):
    settings.PICTURE_CLASSIFIER = "tests.gallery.classifier"


def bright(light: int) -> bytes:
    """A picture of one shade: from 0, black, to 255."""
    return saved(Pixels.new("RGB", (64, 64), (light, light, light - light % 2)), "PNG")


def scored(data: bytes, rating: Rating = Rating.PG):
    image = first(posted(None, data, rating=rating))
    classify_picture(image.picture_id)
    return image


STEPS = {"nothing": (0.0, "PG"), "a little": (0.4, "PG-13"), "more": (0.7, "R"), "all": (1.0, "X")}


@pytest.mark.parametrize("name", STEPS)
def test_a_score_stands_for_a_rating(name):
    score, rating = STEPS[name]

    assert proposed_rating(score).label == rating


def test_a_milder_rating_goes_to_the_queue_and_nothing_else_changes():
    image = scored(bright(250))

    score = PictureScore.objects.get()
    assert (round(score.score, 1), score.proposed, score.classifier) == (1.0, 8, "tests.gallery.classifier")
    found = Report.objects.get()
    assert (found.source, found.rule, found.case.subject, found.reporter) == (
        "classifier",
        "rating",
        image.subject,
        None,
    )
    after = first(image.post)
    assert (after.state, after.rating, after.subject.is_public) == ("visible", 1, True)


@pytest.mark.parametrize(("light", "rating"), [(10, Rating.PG), (250, Rating.X), (250, Rating.XXX)])
def test_a_rating_that_is_open_enough_asks_nobody(light, rating):
    scored(bright(light), rating)

    assert not Case.objects.exists()


def test_what_a_moderator_has_let_stand_is_asked_again_only_for_another_rating():
    image = scored(bright(250), Rating.R)
    decide_case(Case.objects.get(), Order(Act.KEEP), by=ModeratorFactory())

    edit_image(first(image.post), by=image.owner, caption="Light")
    assert not Case.objects.open().exists()

    edit_image(first(image.post), by=image.owner, rating=Rating.PG)
    assert Case.objects.open().get().subject == image.subject


def test_a_picture_is_scored_once_and_a_draft_is_nobodys_business(django_assert_num_queries):
    image = scored(bright(10))
    with django_assert_num_queries(1):
        classify_picture(image.picture_id)


def test_a_child_that_leaves_nonsense_scores_nothing(settings):
    settings.PICTURE_CLASSIFIER = "tests.gallery.lying_classifier"
    scored(bright(250))

    assert PictureScore.objects.get().proposed == 0
    assert not Case.objects.exists()


def test_new_pictures_are_sent_to_a_worker_and_the_sweep_finds_the_others(
    monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(
        "gallery.services.classifying.current_app.send_task", lambda name, ids, **_how: asked.append(ids)
    )
    image = first(posted(None, bright(10)))
    with django_capture_on_commit_callbacks(execute=True):
        have_scored(image.picture_id)
        sweep_scores()

    assert asked == [[image.picture_id]] * 2


OFF = {
    "nothing is set": ("", "no classifier is set"),
    "its extra is missing": ("gallery.classifiers.opennsfw", "the extra “moderation” is not installed"),
}


@pytest.mark.parametrize("name", OFF)
def test_without_one_nothing_is_asked_and_the_moderators_page_says_so(client, settings, monkeypatch, name):
    settings.PICTURE_CLASSIFIER, words = OFF[name]
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    image = scored(bright(250))
    client.force_login(ModeratorFactory())

    assert not is_on()
    assert not PictureScore.objects.filter(picture=image.picture_id).exists()
    assert words in standing()
    assert words in client.get(reverse("community:moderation")).content.decode()
