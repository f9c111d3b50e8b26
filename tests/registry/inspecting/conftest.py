from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.models import Upload
from registry.services.inspecting import inspect_upload
from registry.services.uploads import GivenPart, complete_upload, create_upload, list_received
from registry.storage import blob_store
from tests.factories import UserFactory


def send(data: bytes, *, name: str = "lights.safetensors", sha256: str = "", by=None) -> Upload:
    """An upload whose bytes are all there, by the services that the API calls."""
    upload = create_upload(by=by or UserFactory(), name=name, size=len(data), sha256=sha256)
    for number in range(1, upload.part_count + 1):
        start, body = upload.incoming.offset_of(number), bytearray()
        body += data[start : start + upload.part_size]
        blob_store().write_part(upload.incoming, number, _reader(bytes(body)))
    return complete_upload(upload, [GivenPart(part.number, part.etag) for part in list_received(upload)])


def _reader(body: bytes) -> Callable[[int], bytes]:
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        position += count
        return body[position - count : position]

    return read


@pytest.fixture
def inspected(db) -> Callable[..., Upload]:
    """Send bytes and inspect them; answers with the upload as it is then."""

    def run(data: bytes, **more: object) -> Upload:
        upload = send(data, **more)
        inspect_upload(str(upload.pk))
        return Upload.objects.select_related("blob", "inspection").get(pk=upload.pk)

    return run
