"""Models so small are slower with more threads."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one thread while the tests of this folder run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
