"""Both stores, each as an operator would set it up."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from registry.storage import BlobStore
from registry.storage.local import LocalStore
from registry.storage.s3 import S3Store
from tests.registry.storage.seaweed import ACCESS, S3Server


@pytest.fixture
def s3_store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    return S3Store.from_url(s3_server.url(uuid.uuid4().hex))


@pytest.fixture
def local_store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest) -> BlobStore:
    return request.getfixturevalue(f"{request.param}_store")
