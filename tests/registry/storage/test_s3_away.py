"""An S3 store that does not answer is the site's trouble: said as such, and never a fault of the page."""

from __future__ import annotations

import pytest

from community.errors import StoreUnavailable
from registry.models import Upload
from registry.storage.s3 import S3Store
from tests.factories import UserFactory
from tests.registry.storage.seaweed import ACCESS

NOBODY = "s3://bucket?endpoint=http://127.0.0.1:1"


@pytest.fixture
def away(monkeypatch, settings):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0)
    settings.STORAGE_URL = NOBODY


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda store: store.size("blobs/x"), id="size"),
        pytest.param(lambda store: store.open("blobs/x"), id="open"),
        pytest.param(lambda store: store.put("renditions/x", b"x", "image/webp"), id="put"),
        pytest.param(lambda store: store.delete("blobs/x"), id="delete"),
        pytest.param(lambda store: store.begin("x", 10, 10), id="begin"),
    ],
)
def test_a_store_that_is_not_reached_says_so(away, ask):
    with pytest.raises(StoreUnavailable):
        ask(S3Store.from_url(NOBODY))


@pytest.mark.django_db
def test_an_upload_begun_meanwhile_is_a_503_that_keeps_nothing(away, client):
    client.force_login(UserFactory())

    answer = client.post("/api/safelight/v1/uploads", {"name": "a.safetensors", "size": 10}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert not Upload.objects.exists()
