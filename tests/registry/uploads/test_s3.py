"""The same protocol where the bytes lie on S3: they pass the site by, and nothing else differs."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
import uuid

import pytest

from registry.models import Blob, Upload
from registry.services.inspecting import inspect_upload
from registry.storage import blob_store
from tests.registry.inspecting.bytes import safetensors
from tests.registry.storage.seaweed import ACCESS
from tests.registry.uploads.sending import PART, Sender

pytestmark = [pytest.mark.s3, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _on_s3(s3_server, settings, monkeypatch):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    settings.STORAGE_URL = s3_server.url(uuid.uuid4().hex)


def put(url: str, body: bytes) -> str:
    request = urllib.request.Request(url, data=body, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return answer.headers["ETag"]


def send(sender: Sender, data: bytes, **more: object) -> str:
    upload = sender.create(size=len(data), **more)
    targets = sender.targets(upload["id"], range(1, upload["parts"] + 1))
    parts = []
    for target in targets:
        start = (target["number"] - 1) * upload["part_size"]
        etag = put(target["url"], data[start : start + upload["part_size"]])
        parts.append({"number": target["number"], "etag": etag})
    answer = sender.complete(upload["id"], parts)
    assert answer.status_code == 202, answer.content
    return upload["id"]


def test_parts_go_to_the_store_and_the_blob_keeps_the_uploads_key(sender):
    data = safetensors() + b""

    pk = send(sender, data)
    inspect_upload(pk)

    seen = sender.get(f"/{pk}").json()
    blob = Blob.objects.get()
    assert (seen["state"], seen["verdict"]) == ("done", "safe")
    assert (blob.sha256, blob.key) == (hashlib.sha256(data).hexdigest(), f"uploads/{pk}")
    with blob_store().open(blob.key) as stream:
        assert stream.read() == data


def test_equal_bytes_are_kept_once(sender, stranger, django_capture_on_commit_callbacks):
    data = safetensors()
    with django_capture_on_commit_callbacks(execute=True):
        first, second = send(sender, data), send(stranger, data)
        inspect_upload(first)
        inspect_upload(second)

    assert [found.key for found in blob_store().listing("uploads/")] == [f"uploads/{first}"]
    assert set(Upload.objects.values_list("blob", flat=True)) == {Blob.objects.get().pk}


def test_a_file_of_several_parts_goes_on_where_it_stopped(sender):
    data = bytes(PART) + b"end"
    upload = sender.create(size=len(data))
    first, second = sender.targets(upload["id"], [1, 2])
    etag = put(second["url"], b"end")

    seen = sender.get(f"/{upload['id']}").json()["received"]
    answer = sender.complete(
        upload["id"], [{"number": 1, "etag": put(first["url"], data[:PART])}, {"number": 2, "etag": etag}]
    )

    assert seen == [{"number": 2, "size": 3, "etag": etag}]
    assert answer.status_code == 202


@pytest.mark.parametrize("body", [b"sho", b"too long"], ids=["short", "long"])
def test_a_part_of_a_wrong_size_is_found_at_completion_and_can_be_sent_again(sender, body):
    upload = sender.create(size=4)
    (target,) = sender.targets(upload["id"], [1])
    wrong = sender.complete(upload["id"], [{"number": 1, "etag": put(target["url"], body)}])
    right = sender.complete(upload["id"], [{"number": 1, "etag": put(target["url"], b"four")}])

    assert (wrong.status_code, wrong.json()["code"], wrong.json()["part"]) == (409, "part_size", 1)
    assert right.status_code == 202


def test_a_wrong_checksum_leaves_no_bytes(sender, django_capture_on_commit_callbacks):
    pk = send(sender, safetensors(), sha256="0" * 64)

    with django_capture_on_commit_callbacks(execute=True):
        inspect_upload(pk)

    assert sender.get(f"/{pk}").json()["error"]["field"] == "sha256"
    assert list(blob_store().listing("uploads/")) == []


def test_the_addresses_of_the_disk_do_not_exist(sender):
    upload = sender.create(size=4)

    answer = sender.client.put(f"/uploads/{upload['id']}/parts/1?until=9999999999&signature=x", b"four")

    assert answer.status_code == 404


def test_a_deleted_upload_takes_no_more_parts(sender, django_capture_on_commit_callbacks):
    upload = sender.create(size=4)
    (target,) = sender.targets(upload["id"], [1])
    with django_capture_on_commit_callbacks(execute=True):
        sender.client.delete(f"/api/safelight/v1/uploads/{upload['id']}")

    with pytest.raises(urllib.error.HTTPError) as refused:
        put(target["url"], b"four")
    refused.value.close()
    assert list(blob_store().listing("uploads/")) == []
