"""Pictures that the site rendered for a version."""

import pytest

from community.ratings import Rating
from registry.models import Picture
from registry.services.pictures import add_preview, covers_for_versions, order_previews
from registry.services.rendered import show_rendered
from tests.factories import ModelVersionFactory, PictureFactory, UploadFactory

pytestmark = pytest.mark.django_db


def rendered(version, place=0, rating=Rating.PG):
    return show_rendered(version, PictureFactory(), place=place, alt="A cat.", rating=rating)


def test_the_authors_own_pictures_come_before_rendered_ones():
    version = ModelVersionFactory(published=True)
    second, first = rendered(version, 1), rendered(version, 0)
    author = version.model.owner

    sent = add_preview(version, UploadFactory(owner=author, state="complete"), alt="", rating=Rating.PG, by=author)

    assert list(version.previews.order_by("position")) == [sent, first, second]


def test_a_rendered_picture_is_a_cover_where_the_author_sent_none():
    version = ModelVersionFactory(published=True)
    preview = rendered(version)

    assert covers_for_versions([version], version.model.owner) == {version.pk: preview}


def test_its_rating_counts_for_the_version():
    version = ModelVersionFactory(published=True)

    rendered(version, rating=Rating.R)

    version.refresh_from_db()
    assert version.rating == Rating.R


def test_the_author_may_order_all_of_them():
    version = ModelVersionFactory(published=True)
    one, two = rendered(version, 0), rendered(version, 1)

    order_previews(version, [two.pk, one.pk], by=version.model.owner)

    assert list(version.previews.order_by("position")) == [two, one]


def test_rendered_pictures_take_none_of_the_room_for_the_authors_own(monkeypatch):
    monkeypatch.setattr("registry.services.pictures.MAX_PREVIEWS", 1)
    version = ModelVersionFactory(published=True)
    author = version.model.owner
    rendered(version)

    add_preview(version, UploadFactory(owner=author, state="complete"), alt="", rating=Rating.PG, by=author)

    assert version.previews.count() == 2


def test_a_picture_that_waits_is_decoded(django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, ids, **options: sent.append((name, ids)))
    picture = PictureFactory(state=Picture.State.WAITING)

    with django_capture_on_commit_callbacks(execute=True):
        show_rendered(ModelVersionFactory(published=True), picture, place=0, alt="", rating=Rating.PG)

    assert sent == [("registry.make_renditions", [picture.pk])]
