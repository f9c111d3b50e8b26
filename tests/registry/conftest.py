from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.registry.storage.seaweed import S3Server, start_s3


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One real S3 server for the whole run."""
    server = start_s3(tmp_path_factory.mktemp("s3") / "weed")
    yield server
    server.stop()
