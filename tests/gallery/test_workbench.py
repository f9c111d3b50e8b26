"""The fields of each picture on the workbench, kept by a form where no script runs."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.ratings import Rating
from gallery.models import Image
from gallery.services.posting import edit_image
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import drafted, first, painted, posted, prepared

pytestmark = pytest.mark.django_db
SAID = {
    "rating": "R",
    "alt": "a lighthouse",
    "caption": "At dusk",
    "tags": " ink wash, #Harbour,, ",
    "hides_generation": "on",
}


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


def address_of(image: Image) -> str:
    return reverse("gallery:image-words", args=[image.pk])


def bench_of(client, image: Image) -> str:
    return client.get(reverse("gallery:post-edit", args=[image.post_id])).content.decode()


def test_what_is_said_of_a_picture_is_kept_without_a_script(client, owner):
    image = first(prepared(drafted(owner, rating=None)))
    client.force_login(owner)

    answer = client.post(address_of(image), SAID)

    kept = Image.objects.get(pk=image.pk)
    assert answer.url == f"{reverse('gallery:post-edit', args=[image.post_id])}#image-{image.pk}"
    assert (kept.rating, kept.alt, kept.caption) == (Rating.R, "a lighthouse", "At dusk")
    assert {tag.name for tag in kept.tags.all()} == {"ink wash", "Harbour"}
    assert kept.hides_generation


def test_the_workbench_shows_a_pictures_own_tags_and_what_it_hides(client, owner):
    image = first(prepared(drafted(owner)))
    client.force_login(owner)
    before = bench_of(client, image)

    edit_image(image, by=owner, tags=["ink wash", "a <b>"], hides_generation=True)

    page = bench_of(client, image)
    assert 'name="tags" maxlength="2000" value=""' in before
    assert "ink wash" in page
    assert "a &lt;b&gt;" in page
    assert 'type="checkbox" name="hides_generation" checked' in page
    assert 'type="checkbox" name="hides_generation" checked' not in before
    assert f'action="{address_of(image)}"' in page


def test_what_is_not_said_any_more_goes(client, owner):
    image = first(prepared(drafted(owner)))
    edit_image(image, by=owner, tags=["ink"], hides_generation=True, caption="Dusk")
    client.force_login(owner)

    client.post(address_of(image), {"rating": "", "alt": "", "caption": "", "tags": ""})

    kept = Image.objects.get(pk=image.pk)
    assert (kept.caption, kept.hides_generation, kept.tags.count()) == ("", False, 0)
    assert kept.rating == Rating.PG


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rating", "mild", "Rating: "),
        ("alt", "x" * 501, "What it shows: "),
        ("caption", "x" * 2_001, "Caption: "),
        ("tags", ",".join(f"t{number}" for number in range(31)), "At most 30 tags"),
        ("tags", "x" * 2_001, "Tags: "),
        ("alt", "a\0b", "What it shows: "),
    ],
    ids=["rating", "long alt", "long caption", "many tags", "long tags", "NUL"],
)
def test_what_cannot_be_kept_is_named_and_changes_nothing(client, owner, field, value, words):
    image = first(prepared(drafted(owner)))
    client.force_login(owner)

    page = client.post(address_of(image), {**SAID, field: value}, follow=True).content.decode()

    assert words in page
    assert Image.objects.get(pk=image.pk).caption == ""


@pytest.mark.parametrize(
    ("person", "of_public", "of_draft"),
    [("anonymous", 302, 302), ("stranger", 403, 404), ("moderator", 403, 403), ("owner", 302, 302)],
    ids=["anonymous", "stranger", "moderator", "owner"],
)
def test_only_its_owner_says_what_a_picture_is(client, owner, person, of_public, of_draft):
    public, draft = first(posted(owner)), first(prepared(drafted(owner)))
    people = {"stranger": UserFactory(browsing_level=31), "moderator": ModeratorFactory(), "owner": owner}
    if person in people:
        client.force_login(people[person])

    answers = [client.post(address_of(image), SAID).status_code for image in (public, draft)]

    assert answers == [of_public, of_draft]
    assert Image.objects.filter(caption="At dusk").count() == (2 if person == "owner" else 0)


def test_a_workbench_asks_the_same_however_many_pictures_have_tags(client, owner, django_assert_max_num_queries):
    one, many = prepared(drafted(owner)), prepared(drafted(owner, *[painted() for _ in range(6)]))
    for image in [*one.images.all(), *many.images.all()]:
        edit_image(image, by=owner, tags=["ink", "wash"])
    client.force_login(owner)
    bench_of(client, first(one))
    with django_assert_max_num_queries(40) as few:
        client.get(reverse("gallery:post-edit", args=[one.pk]))

    with django_assert_max_num_queries(len(few)):
        client.get(reverse("gallery:post-edit", args=[many.pk]))
