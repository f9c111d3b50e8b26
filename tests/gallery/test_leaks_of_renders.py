"""An image that came from a render tells nothing of a model that its viewer may not know: not on its page, in no API,
no list and no bytes of it.
"""

from __future__ import annotations

import pytest
from django.test import Client

from community.models import User
from community.ratings import Rating
from gallery.models import Image, ImageResource
from gallery.services.from_renders import draft_of_render
from gallery.services.posting import edit_image
from gallery.services.publishing import publish_post
from inference.services.claiming import claim_render
from inference.services.running import run_render
from inference.services.submitting import submit_render
from inference.services.working import announce_worker
from registry.services.catalog import edit_model
from registry.services.listing import refresh_listing
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import first, prepared
from tests.inference.renders.conftest import renderable
from tests.inference.renders.engine import SmallEngine

pytestmark = pytest.mark.django_db
WORD = "zmyslenie"
API = "/api/safelight/v1"
STATES = ("draft", "beyond the level", "public", "beyond the level, told by its author")


class Scene:
    """A picture that its maker rendered with a model in some state, posted as PG."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.maker = UserFactory(username="mira", browsing_level=31)
        file = renderable(
            name=f"{WORD}.safetensors",
            published=state != "draft",
            version__model__owner=self.maker,
            version__model__title=WORD,
            version__model__name=WORD,
            version__base_model="Safelight Tiny",
        )
        self.file, self.model = file, file.version.model
        refresh_listing(self.model)
        if state.startswith("beyond"):
            edit_model(self.model, by=self.maker, declared_rating=Rating.X)
        self.result = self._rendered(file.version.pk)
        post = prepared(draft_of_render(self.result, by=self.maker))
        edit_image(first(post), by=self.maker, rating=Rating.PG)
        if state.endswith("author"):
            edit_image(first(post), by=self.maker, hides_generation=False)
        publish_post(prepared(post), by=self.maker)
        self.image = first(post)
        self.people: dict[str, User | None] = {
            "anonymous": None,
            "sees PG": UserFactory(browsing_level=1),
            "sees all": UserFactory(browsing_level=31),
            "maker": self.maker,
            "moderator": ModeratorFactory(),
        }

    def _rendered(self, version: int):
        asked = {"version": version, "prompt": "a cat", "seed": "7", "width": 64, "height": 64, "steps": 4}
        submit_render(asked, by=self.maker)
        engine = SmallEngine()
        worker = announce_worker("render@here/1", engine.device)
        job = claim_render(worker)
        run_render(job, worker, engine)
        return job.results.get()

    def client(self, name: str) -> Client:
        client = Client()
        if person := self.people[name]:
            client.force_login(person)
        return client


# Whether they are led to the model, in each state. What not everybody may know is kept back until its author tells it.
TOLD = {
    "anonymous": (False, False, True, False),
    "sees PG": (False, False, True, False),
    "sees all": (False, False, True, True),
    "maker": (True, True, True, True),
    "moderator": (True, True, True, True),
}


@pytest.mark.parametrize("state", STATES)
def test_pages_and_programs_lead_to_the_model_only_where_it_may_be_known(state):
    scene = Scene(state)
    assert ImageResource.objects.get(image=scene.image).version == scene.file.version
    model_address, version = f'/mira/{WORD}"', f'"model":"mira/{WORD}"'

    for name in scene.people:
        client = scene.client(name)
        page = client.get(scene.image.get_absolute_url()).content.decode()
        said = client.get(f"{API}/images/{scene.image.pk}").content.decode().replace('": "', '":"')
        expected = TOLD[name][STATES.index(state)]
        assert (f"/mira/{WORD}?version=" in page or model_address in page) == expected, name
        assert (version in said) == expected, name


def test_of_a_draft_no_word_and_no_hash_goes_out_with_the_picture():
    scene = Scene("draft")
    digest = scene.file.blob.sha256
    addresses = [
        scene.image.get_absolute_url(),
        scene.image.original_address,
        f"{API}/images/{scene.image.pk}",
        f"{API}/posts/{scene.image.post_id}",
        f"/images/{scene.image.pk}/workflow.json",
        scene.image.post.get_absolute_url(),
        "/images",
        f"/images?version={scene.file.version.pk}",
        f"/images?model={scene.model.pk}",
        f"{API}/images?version={scene.file.version.pk}",
        "/images.atom",
        "/posts.atom",
        "/mira",
        *(scene.image.address_of(copy) for copy in scene.image.picture.renditions.all()),
    ]
    for name in ("anonymous", "sees PG", "sees all"):
        client = scene.client(name)
        for address in addresses:
            body = client.get(address).getvalue()
            for told in (WORD, digest, digest[:10], digest.upper(), digest[:10].upper(), "a cat"):
                assert told.encode() not in body, (name, address, told)
        for word in (WORD, "cat"):
            assert client.get(f"{API}/images?q={word}").json()["results"] == []
    assert Image.objects.get().alt == ""


@pytest.mark.parametrize("state", STATES)
def test_the_render_itself_stays_its_makers(state):
    scene = Scene(state)
    job, result = scene.result.job_id, scene.result
    addresses = [
        f"/renders/{job}",
        f"/renders/{job}/parameters",
        result.original_address,
        f"/media/renders/{result.pk}/receipt",
        f"{API}/renders/{job}",
        f"{API}/renders/{job}/receipt",
        f"{API}/renders/{job}/picture",
    ]

    for name in scene.people:
        client = scene.client(name)
        for address in addresses:
            answer = client.get(address)
            body = answer.getvalue()
            assert (answer.status_code == 200) == (name == "maker"), (name, address)
            assert name == "maker" or WORD.encode() not in body
