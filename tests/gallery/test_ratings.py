"""Ratings: rolled up from pictures to what shows them, decided by each person's level, and blurred by choice alone."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.urls import reverse

from community.ratings import Rating
from gallery.services.posting import NewImage, add_images, edit_image, remove_image
from registry.models import ModelVersion
from registry.search import ModelQuery, search_models
from registry.services.listing import refresh_listing
from registry.services.pictures import add_preview, edit_preview, remove_preview
from tests.factories import ModelFileFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.gallery.rows import first, painted, posted
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    found = ModelFileFactory(published=True, version__model=RegisteredModelFactory(public=True, name="ink")).version
    refresh_listing(found.model)
    return found


def shown(version: ModelVersion, rating: Rating):
    """A picture on a version."""
    owner = version.model.owner
    return add_preview(version, sent(owner, painted()), alt="", rating=rating, by=owner)


def rating_of(version: ModelVersion) -> tuple[int, int]:
    fresh = ModelVersion.objects.select_related("model__subject").get(pk=version.pk)
    return fresh.rating, fresh.model.subject.rating


def test_a_models_rating_is_the_union_of_the_pictures_shown_on_it(version):
    owner = version.model.owner
    mild, open_one = shown(version, Rating.PG), shown(version, Rating.XXX)
    assert rating_of(version) == (17, 17)

    edit_preview(open_one, by=owner, rating=Rating.R)
    assert rating_of(version) == (5, 5)
    remove_preview(mild, by=owner)
    assert rating_of(version) == (4, 4)


def test_what_people_make_with_a_version_does_not_change_its_rating(version):
    shown(version, Rating.PG)

    posted(None, rating=Rating.XXX, version=version)

    assert rating_of(version) == (1, 1)


def test_a_posts_rating_is_the_union_of_its_images():
    post = posted(None, painted(), rating=Rating.PG)
    [added] = add_images(post, [NewImage(sent(post.owner, painted()).pk, rating=Rating.X)], by=post.owner)
    post.refresh_from_db()
    assert post.rating == 9

    edit_image(added, by=post.owner, rating=Rating.R)
    post.refresh_from_db()
    assert post.rating == 5
    remove_image(added, by=post.owner)
    post.refresh_from_db()
    assert post.rating == 1


def _status(client, address: str) -> int:
    """The answer's status, its bytes read to their end."""
    answer = client.get(address)
    answer.getvalue()
    return answer.status_code


LEVELS = {
    "no picture at all": ((), 1, True),
    "one that fits": ((Rating.PG, Rating.XXX), 1, True),
    "none that fits": ((Rating.R, Rating.XXX), 1, False),
    "none of the steps that were chosen": ((Rating.PG13,), 1 | 4, False),
    "everything is shown": ((Rating.XXX,), 31, True),
}


@pytest.mark.parametrize("name", LEVELS)
def test_a_model_is_listed_when_any_of_its_pictures_fits_and_else_counted_as_hidden(version, name):
    ratings, level, listed = LEVELS[name]
    for rating in ratings:
        shown(version, rating)
    viewer = UserFactory(browsing_level=level)

    page = search_models(ModelQuery.from_params(QueryDict()), viewer)

    assert ([model.pk for model in page.results] == [version.model_id], page.hidden) == (listed, int(not listed))


def test_programs_find_what_their_persons_level_holds(client, version):
    shown(version, Rating.X)
    found = {}
    for level in (1, 31):
        client.force_login(UserFactory(browsing_level=level))
        found[level] = len(client.get("/api/safelight/v1/models").json()["results"])

    assert found == {1: 0, 31: 1}


def test_the_address_of_a_picture_asks_for_the_level_too(client):
    image = first(posted(None, rating=Rating.R))
    addresses = (image.original_address, image.address_of(image.picture.renditions.first()))
    answers = {}
    for name, person in {
        "nobody": None,
        "PG": UserFactory(),
        "all": UserFactory(browsing_level=31),
        "owner": image.owner,
        "moderator": ModeratorFactory(),
    }.items():
        client.logout()
        if person:
            client.force_login(person)
        answers[name] = {_status(client, address) for address in addresses}

    assert answers == {"nobody": {404}, "PG": {404}, "all": {200}, "owner": {200}, "moderator": {200}}


def test_blur_is_a_choice_of_display_that_shows_and_hides_nothing(client):
    person = UserFactory(browsing_level=31)
    image = first(posted(None, rating=Rating.R))
    client.force_login(person)
    assert "data-blur" not in client.get("/images").content.decode()

    form = {"level": "16", "language": "", "display_name": "", "about": "", "blur_from": "4"}
    assert client.post(reverse("community:settings-profile"), form).status_code == 302

    page = client.get("/images").content.decode()
    assert 'data-blur="4"' in page
    assert 'data-rating="4"' in page
    assert _status(client, image.original_address) == 200
