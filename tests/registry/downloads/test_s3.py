"""Downloads where a real S3 server holds the bytes and sends them itself."""

import urllib.request
import uuid

import pytest

from registry.services.sending import disposition_of
from tests.registry.downloads.stored import CONTENT, download_path, stored_file
from tests.registry.storage.seaweed import ACCESS

pytestmark = [pytest.mark.s3, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _on_s3(s3_server, settings, monkeypatch):
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    settings.STORAGE_URL = s3_server.url(uuid.uuid4().hex)


@pytest.mark.parametrize("name", ["tidewater.safetensors", "海辺の灯台 é.safetensors"])
def test_the_redirect_leads_to_the_bytes_under_the_files_name(client, name):
    file = stored_file(name=name)

    address = client.get(download_path(file))["Location"]
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310
        body, disposition = answer.read(), answer.headers["Content-Disposition"]
    part = urllib.request.Request(address, headers={"Range": "bytes=10-19"})  # noqa: S310
    with urllib.request.urlopen(part, timeout=20) as answer:  # noqa: S310
        status, span = answer.status, answer.read()

    assert body == CONTENT
    assert disposition == disposition_of(name, ascii_only=True)
    assert (status, span) == (206, CONTENT[10:20])


@pytest.mark.parametrize("verdict", ["pending", "check", "blocked", "unreadable"])
def test_no_address_is_signed_without_a_passing_verdict(client, verdict):
    file = stored_file(verdict=verdict)

    assert client.get(download_path(file)).status_code == 403
