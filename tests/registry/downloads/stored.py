"""Files whose bytes the store really holds."""

import hashlib

from registry.models import ModelFile
from registry.storage import blob_key, blob_store
from tests.factories import BlobFactory, ModelFileFactory

CONTENT = bytes(range(256)) * 3906 + b"end"  # 999,939 bytes; case 34 asks for an odd million
CONTENT += b"." * (1_000_003 - len(CONTENT))


def stored_file(content: bytes = CONTENT, *, verdict: str = "safe", **file) -> ModelFile:
    """A file of a published version, unless `file` says otherwise."""
    key = blob_key(hashlib.sha256(content).hexdigest())
    blob_store().put(key, content, "application/octet-stream")
    blob = BlobFactory(content=content, key=key, verdict=verdict)
    return ModelFileFactory(blob=blob, **{"published": True, **file})


def body_of(response) -> bytes:
    """All that a client would receive."""
    return response.getvalue()


def download_path(file: ModelFile) -> str:
    return f"/api/safelight/v1/files/{file.pk}/download"
