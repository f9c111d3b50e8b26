"""Sites for the tests of this folder."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.site.running import RunningSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """One site that several tests share, made from nothing; each leaves it ready."""
    running = RunningSite(tmp_path_factory.mktemp("site") / "data", "--admin", "admin", first=True).start()
    try:
        yield running.ready()
    finally:
        running.stop()


@pytest.fixture
def start_site(tmp_path: Path) -> Iterator[Callable[..., RunningSite]]:
    """Makes sites that end with the test."""
    started: list[RunningSite] = []

    def start(*arguments: str, data: Path | None = None, first: bool = False, **environment: str) -> RunningSite:
        running = RunningSite(data or tmp_path / "site", *arguments, first=first, environment=environment)
        started.append(running)
        return running.start()

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="safelight-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
