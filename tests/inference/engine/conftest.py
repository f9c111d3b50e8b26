import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """On a busy machine threads of OpenMP spend most of their time waiting for each other."""
    torch.set_num_threads(1)
