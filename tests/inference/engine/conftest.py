import pytest
import torch

from tests.inference.engine.small import Studio, Workshop


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """On a busy machine threads of OpenMP spend most of their time waiting for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture
def studio(tmp_path, workshop) -> Studio:
    """An engine of its own over the models that the session has made."""
    return Studio(tmp_path, workshop)
