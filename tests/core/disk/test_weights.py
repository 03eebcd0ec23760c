import hashlib

import pytest

from aigc_cli.core.disk.weights import chosen_weights
from aigc_cli.core.errors import NoInput, UsageProblem


def test_the_best_weights_or_those_of_a_checkpoint_each_with_their_own_hash(tmp_path):
    with pytest.raises(NoInput, match="no weights yet"):
        chosen_weights(tmp_path, "best", "model.safetensors")
    for place, content in (("", b"best"), ("checkpoints/step-7", b"seventh"), ("checkpoints/step-20", b"last")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        name = "state.safetensors" if place else "model.safetensors"
        (tmp_path / place / name).write_bytes(content)
    digests = {content: hashlib.sha256(content).hexdigest() for content in (b"best", b"seventh", b"last")}
    assert chosen_weights(tmp_path, "best", "model.safetensors") == (None, digests[b"best"])
    assert chosen_weights(tmp_path, "7", "model.safetensors") == (7, digests[b"seventh"])
    assert chosen_weights(tmp_path, "last", "model.safetensors") == (20, digests[b"last"])
    with pytest.raises(NoInput, match="there are: 7, 20"):
        chosen_weights(tmp_path, "8", "model.safetensors")
    with pytest.raises(UsageProblem):
        chosen_weights(tmp_path, "newest", "model.safetensors")
