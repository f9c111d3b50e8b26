"""What a name in a picture's data may mean is suggested to its author alone, as long as it is theirs to know."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.ratings import Rating
from community.services.deciding import Act, Order, decide
from gallery.models import ImageResource
from gallery.services.resources import confirm_resource
from registry.models import ModelVersion
from registry.services.catalog import edit_model
from registry.services.listing import refresh_listing
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import drafted, first, prepared, told
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db
WORD = "Zmyslenie"
TEXT = "harbour, <lora:zmyslenie:0.8>\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x96"
API = "/api/safelight/v1"


def _hidden(model, how: str) -> None:
    if how == "withdrawn":
        ModelVersion.objects.filter(model=model).update(state="withdrawn")
        refresh_listing(model)
    elif how == "taken down":
        decide(model.subject, Order(Act.REMOVE, reason="No."), by=ModeratorFactory())
    elif how == "beyond the level":
        edit_model(model, by=model.owner, declared_rating=Rating.X)


SEEN = {"public": True, "withdrawn": False, "taken down": False, "beyond the level": False}


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_model_that_is_hidden_is_suggested_no_more(client, how, moment):
    """`moment`: whether it was hidden before the picture was read, or after."""
    owner = UserFactory(username="mira", browsing_level=1)
    model = public_model(WORD)
    if moment == "before":
        _hidden(model, how)
    post = prepared(drafted(owner, told(TEXT)))
    if moment == "after":
        _hidden(model, how)
    image, seen = first(post), SEEN[how]
    client.force_login(owner)

    said = client.get(f"{API}/images/{image.pk}").json()
    pages = [
        client.get(reverse("gallery:post-edit", args=[post.pk])).content.decode(),
        client.get(reverse("gallery:remix", args=[image.pk])).content.decode(),
        client.get(image.get_absolute_url()).content.decode(),
    ]

    assert [row["suggestion"] is not None for row in said["resources"]] == [seen]
    assert (WORD in pages[0]) == seen
    assert WORD not in pages[1] + pages[2]
    assert ImageResource.objects.get().version is None
    if seen:
        assert confirm_resource(ImageResource.objects.get(), by=owner).version == model.versions.get()


def test_it_is_told_to_nobody_else(client):
    public_model(WORD)
    image = first(prepared(drafted(UserFactory(), told(TEXT))))
    for person, status in ((None, 404), (UserFactory(browsing_level=31), 404)):
        client.logout()
        if person:
            client.force_login(person)
        answer = client.get(f"{API}/images/{image.pk}")
        assert (answer.status_code, WORD in answer.content.decode()) == (status, False)
