"""Whether others may render with a model here: a permission of its own, chosen by its author, a no until then."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from registry.models import ModelVersion, RegisteredModel
from registry.policies import can_render
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory
from tests.registry.api.client import PERMISSIONS, Program

pytestmark = pytest.mark.django_db


def _version(state: str, render_here: bool | None) -> ModelVersion:
    version = ModelVersionFactory(published=True)
    ModelVersion.objects.filter(pk=version.pk).update(state="draft" if state == "draft" else "published")
    taken_down = timezone.now() if state == "taken_down" else None
    RegisteredModel.objects.filter(pk=version.model_id).update(render_here=render_here, taken_down_at=taken_down)
    return ModelVersion.objects.select_related("model").get(pk=version.pk)


# (anybody, stranger, moderator, owner)
@pytest.mark.parametrize(
    ("state", "render_here", "who"),
    [
        pytest.param("published", True, (False, True, True, True), id="allowed"),
        pytest.param("published", False, (False, False, False, True), id="refused"),
        pytest.param("published", None, (False, False, False, True), id="not chosen"),
        pytest.param("draft", True, (False, False, False, True), id="a draft"),
        pytest.param("taken_down", True, (False, False, False, False), id="taken down"),
    ],
)
def test_who_may_render_with_a_version(state, render_here, who):
    version = _version(state, render_here)
    people = (AnonymousUser(), UserFactory(), ModeratorFactory(), version.model.owner)

    assert tuple(can_render(person, version) for person in people) == who
    found = tuple(ModelVersion.objects.renderable_by(person).filter(pk=version.pk).exists() for person in people)
    assert found == who


def test_a_program_says_it_and_reads_it():
    owner = Program(UserFactory(username="mira"))
    words = {"name": "Own", "type": "lora", "license": "CC0-1.0", "permissions": PERMISSIONS}

    made = owner.post("models", words).json()
    changed = owner.patch("models/mira/own", {"render_here": True}).json()
    reset = owner.patch("models/mira/own", {"render_here": None}).json()

    assert (made["render_here"], changed["render_here"], reset["render_here"]) == (None, True, None)
    refusal = owner.patch("models/mira/own", {"render_here": "yes"})
    assert (refusal.status_code, refusal.json()["field"]) == (400, "render_here")


def test_the_author_answers_it_on_the_page(client):
    version = _version("draft", None)
    model = version.model
    client.force_login(model.owner)
    address = f"/{model.owner.username}/{model.name}/edit"
    values = {"title": model.title, "type": model.type, "license": "CC0-1.0", "render_here": "yes"}

    assert "Render with it here" in client.get(address).text
    assert client.post(address, values).status_code == 302

    model.refresh_from_db()
    assert model.render_here is True
