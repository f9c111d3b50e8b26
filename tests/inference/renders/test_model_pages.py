"""What the page of a model says of rendering with it, and to whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories import UserFactory
from tests.inference.renders.conftest import renderable

pytestmark = pytest.mark.django_db

WORDS = "Render with this model"


def page_of(client, version) -> str:
    return client.get(version.get_absolute_url()).content.decode()


@pytest.fixture
def somebody(client):
    client.force_login(UserFactory())
    return client


@pytest.mark.parametrize("type", ["checkpoint", "lora", "vae", "embedding", "hypernetwork", "controlnet"])
def test_a_button_beside_the_download_leads_to_the_form_with_the_version_chosen(somebody, checkpoint, type):
    version = renderable(type=type).version

    page = page_of(somebody, version)

    address = f"{reverse('inference:render')}?version={version.pk}"
    assert f'href="{address}"' in page
    assert WORDS in page
    assert somebody.get(address).status_code == 200


def test_whoever_is_not_signed_in_is_led_through_the_door(client):
    version = renderable().version

    assert WORDS in page_of(client, version)
    answer = client.get(reverse("inference:render"), {"version": version.pk})
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"version__model__render_here": False}, id="its author does not allow it"),
        pytest.param({"type": "upscaler"}, id="nothing is rendered with this type"),
    ],
)
def test_there_is_no_button_where_nobody_may_or_nothing_can(somebody, file):
    assert WORDS not in page_of(somebody, renderable(**file).version)
