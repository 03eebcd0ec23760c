"""What the tests of language models share. Models so small are slower with more threads."""

import pytest
import torch

from aigc_cli.gpt.bases.hf import write_model_folder
from tests.gpt.models import harsh_model, tokenizer


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one thread while the tests of this folder run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def base(tmp_path):
    """Make a model folder to fine-tune."""
    folder = tmp_path / "base"
    folder.mkdir()
    model = harsh_model("llama", std=0.1)
    write_model_folder(folder, model, dict(model.state_dict()), tokenizer(), "# card", {})
    return folder
