"""Renders on their way into the gallery."""

import pytest
from django.urls import reverse

from community.ratings import Rating
from gallery.models import Image, Post
from gallery.services.from_renders import draft_of_render
from gallery.services.posting import edit_image
from gallery.services.publishing import publish_post
from inference.services.claiming import claim_render
from inference.services.running import run_render
from inference.services.submitting import submit_render
from inference.services.working import announce_worker
from tests.factories import UserFactory
from tests.gallery.rows import first, prepared
from tests.inference.renders.conftest import renderable
from tests.inference.renders.engine import SmallEngine

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return UserFactory(browsing_level=31)


@pytest.fixture
def result(person):
    checkpoint = renderable(name="tiny.safetensors").version
    asked = {"version": checkpoint.pk, "prompt": "a red apple", "seed": "7", "width": 64, "height": 64, "steps": 4}
    submit_render(asked, by=person)
    engine = SmallEngine()
    worker = announce_worker("render@here/1", engine.device)
    job = claim_render(worker)
    run_render(job, worker, engine)
    return job.results.get()


def test_a_render_becomes_a_draft_that_knows_how_it_was_made(client, person, result):
    client.force_login(person)

    answer = client.post(reverse("gallery:post-render", args=[result.pk]))

    post = Post.objects.get()
    assert answer.url == reverse("gallery:post-edit", args=[post.pk])
    image = first(prepared(post))
    assert image.picture == result.picture
    assert (image.tool, image.prompt, image.seed) == ("Safelight", "a red apple", 7)
    assert image.alt == "a red apple"


def test_once_posted_everybody_sees_it_and_the_render_stays_private(client, person, result):
    client.force_login(person)
    client.post(reverse("gallery:post-render", args=[result.pk]))
    post = prepared(Post.objects.get())
    image = Image.objects.get()
    edit_image(image, by=person, rating=Rating.PG)
    publish_post(post, by=person)
    client.logout()

    page = client.get(image.get_absolute_url()).content.decode()
    assert "Rendered here, reproducible" in page
    assert "DPM++ 2M Automatic" not in page
    assert "Denoising" not in page
    original = client.get(image.original_address)
    assert b"".join(original.streaming_content).startswith(b"\x89PNG")
    assert client.get(result.original_address).status_code == 404


def test_edited_words_are_not_what_the_picture_can_be_made_from(client, person, result):
    image = first(prepared(draft_of_render(result, by=person)))
    edit_image(image, by=person, rating=Rating.PG, generation={"prompt": "a green apple"})
    publish_post(image.post, by=person)

    assert "Rendered here, reproducible" not in client.get(image.get_absolute_url()).content.decode()


def test_another_persons_render_cannot_be_posted(client, result):
    client.force_login(UserFactory())

    assert client.post(reverse("gallery:post-render", args=[result.pk])).status_code == 404
    assert not Post.objects.exists()


def test_a_render_with_ones_own_draft_keeps_to_itself_how_it_was_made(person):
    draft = renderable(
        name="secret.safetensors", published=False, version__model__owner=person, version__base_model="Safelight Tiny"
    ).version
    submit_render({"version": draft.pk, "prompt": "a cat", "width": 64, "height": 64, "steps": 4}, by=person)
    engine = SmallEngine()
    worker = announce_worker("render@here/2", engine.device)
    job = claim_render(worker)
    run_render(job, worker, engine)

    post = draft_of_render(job.results.get(), by=person)

    assert post.images.get().keeps_generation_to_itself
