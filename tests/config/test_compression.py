"""What is compressed on the wire, and what never is."""

import gzip

import pytest
from django.urls import reverse

from registry.storage import blob_store
from tests.factories import BlobFactory, ModelFileFactory

pytestmark = pytest.mark.django_db
ACCEPTS = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.mark.parametrize("address", ["/models", "/api/safelight/v1/schema/"], ids=["a page", "the API's description"])
def test_text_is_compressed_for_whoever_accepts_it(client, address):
    plain, packed = client.get(address), client.get(address, headers=ACCEPTS)

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    assert len(gzip.decompress(packed.content)) == pytest.approx(len(plain.content), abs=50)


def test_a_model_file_is_sent_as_it_is(client):
    content = b"weights " * 1000
    file = ModelFileFactory(published=True, blob=BlobFactory(content=content))
    blob_store().put(file.blob.key, content, "application/octet-stream")

    answer = client.get(reverse("registry:download", args=[file.pk, file.name]), headers=ACCEPTS)

    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(content))
    assert b"".join(answer.streaming_content) == content
