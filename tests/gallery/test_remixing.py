"""From a picture to the form that renders it again."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from gallery.services.posting import edit_post
from registry.models import BlobHash
from tests.factories import UserFactory
from tests.gallery.pictures import png
from tests.gallery.rows import INFOTEXT, first, painted, posted, told
from tests.inference.renders.conftest import renderable

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    person = UserFactory(browsing_level=31)
    client.force_login(person)
    return client


def hashed(file, kind: str, value: str):
    BlobHash.objects.update_or_create(blob=file.blob, kind=kind, defaults={"value": value})
    return file.version


def values(answer) -> dict:
    form = answer.context["form"]
    names = ("version", "prompt", "negative", "seed", "steps", "sampler", "schedule_type", "cfg_scale", "width")
    return {name: form[name].value() for name in names}


def test_a_posted_image_fills_the_form_with_models_that_are_here(viewer):
    base = hashed(renderable(name="tide.safetensors"), "AutoV2", "abcdef0123")
    renderable("lora", name="tidewater.safetensors", version__base_model="Safelight Tiny")
    image = first(posted(None, told(INFOTEXT.format(model="abcdef0123"))))

    answer = viewer.get(reverse("gallery:remix", args=[image.pk]))

    found = values(answer)
    assert found["version"] == base.pk
    assert found["negative"] == "photo, frame"
    assert (found["seed"], found["steps"], found["sampler"]) == ("18446744073709551615", 28, "DPM++ 2M")
    assert (found["schedule_type"], found["cfg_scale"], found["width"]) == ("Karras", 6, 64)
    assert found["prompt"].startswith("harbour at night")


def test_what_is_not_here_is_said_and_left_out(viewer):
    renderable(name="some.safetensors")
    image = first(posted(None, told(INFOTEXT.format(model="1234567890"))))

    answer = viewer.get(reverse("gallery:remix", args=[image.pk]))

    assert "“tidewater” is not here, so it was left out." in answer.context["notes"]
    assert "lora:tidewater" not in values(answer)["prompt"]


def test_hidden_generation_data_fills_no_form(viewer):
    renderable(name="some.safetensors")
    post = posted(None, told(INFOTEXT.format(model="00")))
    edit_post(post, by=post.owner, hides_generation=True)

    assert viewer.get(reverse("gallery:remix", args=[first(post).pk])).status_code == 404


def test_an_image_without_generation_data_has_no_remix(viewer):
    image = first(posted(None, painted()))

    assert viewer.get(reverse("gallery:remix", args=[image.pk])).status_code == 404
    assert reverse("gallery:remix", args=[image.pk]) not in viewer.get(image.get_absolute_url()).content.decode()


def test_a_file_is_read_and_not_kept(viewer):
    renderable(name="some.safetensors")
    text = "a fox\nSteps: 9, Sampler: Wobble, CFG scale: 3.5, Seed: 7, Size: 70x64"

    answer = viewer.post("/images/read", {"picture": SimpleUploadedFile("fox.png", png(parameters=text))})

    assert (values(answer)["prompt"], values(answer)["steps"], values(answer)["width"]) == ("a fox", 9, 64)
    assert "The sampler “Wobble” is not known here; another one was chosen." in answer.context["notes"]


@pytest.mark.parametrize(
    ("data", "words"),
    [(png(), "No tool has written"), (b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, ""), (b"", ""), (b"<svg/>", "")],
    ids=["plain", "broken", "empty", "no picture"],
)
def test_a_file_that_tells_nothing_leads_back_with_a_reason(viewer, data, words):
    answer = viewer.post("/images/read", {"picture": SimpleUploadedFile("fox.png", data)}, follow=True)

    assert answer.redirect_chain[-1][0] == "/render"
    assert words in " ".join(str(message) for message in answer.context["messages"])


def test_a_remix_is_for_people_with_a_name(client):
    image = first(posted(None, told(INFOTEXT.format(model="00"))))

    assert client.get(reverse("gallery:remix", args=[image.pk])).status_code == 302
