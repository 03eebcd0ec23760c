"""The same training on a CUDA device: nearly the same numbers, and a run goes on where it was begun or elsewhere."""

import math

import pytest
import torch

from tests.gan.test_precision import NAMES, numbers
from tests.gan.test_trainer import KINDS, made

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_computes_nearly_what_the_processor_does(image_set, kind):
    here, there = made(image_set, **KINDS[kind]), made(image_set, device=torch.device("cuda"), **KINDS[kind])
    first, other = (numbers(trainer.update(0, 8)) for trainer in (here, there))
    compared = [name for name in NAMES if name in first]
    assert compared
    for name in compared:
        assert other[name] == pytest.approx(first[name], rel=0.02, abs=0.01), name
    assert there.evaluate(1)["spread"] == pytest.approx(here.evaluate(1)["spread"], rel=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_a_gpu_goes_on_there_and_on_a_processor(image_set, kind):
    changes = KINDS[kind]
    begun = made(image_set, device=torch.device("cuda"), **changes)
    for step in range(4):
        begun.update(step, 8)
    tensors, scalars = begun.state()
    tensors = {name: tensor.cpu().clone() for name, tensor in tensors.items()}
    expected = numbers(begun.update(4, 8))
    for device in ("cuda", "cpu"):
        gone_on = made(image_set, device=torch.device(device), **changes)
        gone_on.restore(tensors, scalars)
        for name, value in gone_on.state()[0].items():
            assert torch.equal(value.cpu(), tensors[name]), name
        found = numbers(gone_on.update(4, 8))
        assert all(math.isfinite(value) for value in found.values())
        for name in (name for name in NAMES if name in expected):
            assert found[name] == pytest.approx(expected[name], rel=0.05, abs=0.02), (device, name)
