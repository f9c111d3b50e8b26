"""An S3 store that does not answer is the site's trouble: said as such, and never a fault of the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from community.errors import StoreUnavailable
from registry.models import Picture, Upload
from registry.services.inspecting import inspect_upload
from registry.services.renditions import make_renditions
from registry.storage.s3 import S3Store
from tests.factories import InspectionFactory, PictureFactory, UserFactory
from tests.registry.storage.seaweed import ACCESS, BUCKET, S3Server

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
        pytest.param(lambda store: store.put_file("uploads/x", Path(__file__)), id="put file"),
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


@pytest.mark.s3
@pytest.mark.parametrize(
    ("bucket", "secret"),
    [
        pytest.param("nobody-made-it", ACCESS["AWS_SECRET_ACCESS_KEY"], id="no such bucket"),
        pytest.param(BUCKET, "another", id="a wrong secret"),
    ],
)
def test_a_store_that_serves_nobody_is_not_taken_for_an_empty_one(s3_server: S3Server, monkeypatch, bucket, secret):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    store = S3Store.from_url(f"s3://{bucket}?endpoint={s3_server.endpoint}")

    with pytest.raises(StoreUnavailable):
        list(store.listing("uploads/"))


class Stuttering(BaseHTTPRequestHandler):
    """Promises a thousand bytes and ends after ten."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.send_header("ETag", '"x"')
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(b"0123456789")

    def log_message(self, *_: object) -> None:
        """What a test asks is not worth a line."""


@pytest.fixture
def stuttering(monkeypatch) -> Iterator[S3Store]:
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    with ThreadingHTTPServer(("127.0.0.1", 0), Stuttering) as server:
        threading.Thread(target=server.serve_forever).start()
        yield S3Store.from_url(f"s3://{BUCKET}?endpoint=http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_an_answer_that_ends_too_early_is_not_taken_for_a_short_file(stuttering):
    with stuttering.open("blobs/x") as stream, pytest.raises(StoreUnavailable):
        stream.read()


@pytest.mark.django_db
def test_an_inspection_waits_for_the_store_however_often_it_is_away(away):
    inspection = InspectionFactory(upload__key="uploads/one")

    for _attempt in range(5):
        inspect_upload(str(inspection.upload_id))

    inspection.refresh_from_db()
    assert (inspection.state, inspection.tries, inspection.attempt) == ("waiting", 0, None)
    assert inspection.upload.state == "inspecting"


@pytest.mark.django_db
def test_a_picture_waits_for_the_store_however_often_it_is_away(away):
    picture = PictureFactory(state=Picture.State.WAITING)

    for _attempt in range(5):
        make_renditions(picture.pk)

    picture.refresh_from_db()
    assert (picture.state, picture.tries, picture.attempt) == ("waiting", 0, None)
