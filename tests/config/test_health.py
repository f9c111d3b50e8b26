"""`/healthz`: what it asks, and what it says."""

import pytest
from django.urls import reverse

from community.models import User
from config import pulse


@pytest.fixture
def marks(settings):
    client = pulse.connect(settings.CACHES["default"]["LOCATION"])
    yield client
    pulse.forget(client, *pulse.PARTS)
    client.close()


def test_all_parts_alive_is_200(client, marks):
    pulse.mark(marks, *pulse.PARTS)

    answer = client.get(reverse("healthz"))

    assert answer.status_code == 200
    assert answer.json()["parts"] == dict.fromkeys(("database", "valkey", "io", "render", "beat"), "ready")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("silent", pulse.PARTS)
def test_a_silent_part_is_503_and_named(client, marks, silent):
    pulse.mark(marks, *pulse.PARTS)
    pulse.forget(marks, silent)

    answer = client.get(reverse("healthz"))

    assert answer.status_code == 503
    assert [name for name, state in answer.json()["parts"].items() if state == "down"] == [silent]


def test_without_valkey_every_part_behind_it_is_down(client, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/1"}}

    answer = client.get(reverse("healthz"))

    assert answer.status_code == 503
    assert answer.json()["parts"]["valkey"] == "down"
    assert answer.json()["parts"]["database"] == "ready"


def test_without_a_database_the_rest_is_still_told(client, settings, marks):
    settings.DATABASE_URL = "postgresql://127.0.0.1:1/none"
    pulse.mark(marks, *pulse.PARTS)

    answer = client.get(reverse("healthz"))

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "down"
    assert answer.json()["parts"]["io"] == "ready"


@pytest.mark.django_db
def test_the_owner_asked_for_must_exist(client, settings, marks):
    settings.OWNER_NAME = "Admin"
    pulse.mark(marks, *pulse.PARTS)

    before = client.get(reverse("healthz"))
    User.objects.create_user("admin", role=User.Role.OPERATOR)
    after = client.get(reverse("healthz"))

    assert (before.status_code, before.json()["parts"]["owner"]) == (503, "down")
    assert (after.status_code, after.json()["parts"]["owner"]) == (200, "ready")
