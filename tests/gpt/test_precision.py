"""What is computed in bfloat16 and what is compiled, against the same training in float32 and not compiled."""

import shutil

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.distributed import World
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.trainer import build_trainer, frozen_type, product_type
from tests.gpt.models import CORPUS
from tests.gpt.test_trainer import SMALL, write_set


@pytest.fixture
def plain(tmp_path):
    record = {"schema": "aigc.text/1", "text": "".join(CORPUS)}
    return write_set(tmp_path / "text", "text", [record] * 3, [record])


def trainer(data, device="cpu", world=None, **changes):
    settings = resolve(TrainGptSettings, {**SMALL, "seed": 1, **changes}, presets=PRESETS)
    extra = {} if world is None else {"world": world}
    return build_trainer(open_set(data), settings, torch.device(device), **extra)


@pytest.mark.parametrize(
    ("precision", "mode", "device", "expected"),
    [
        ("auto", "scratch", "cpu", None),
        ("auto", "full", "cpu", None),
        ("auto", "scratch", "cuda", torch.bfloat16),
        ("auto", "full", "cuda", torch.bfloat16),
        ("fp32", "scratch", "cuda", None),
        ("bf16", "scratch", "cpu", torch.bfloat16),
        ("bf16", "lora", "cpu", None),  # its frozen weights are bfloat16 themselves
    ],
)
def test_products_are_of_another_type_than_weights_where_it_pays_or_is_asked_for(precision, mode, device, expected):
    settings = resolve(TrainGptSettings, {"precision": precision}, presets=PRESETS)
    assert product_type(settings, mode, torch.device(device)) is expected
    if mode != "lora":
        assert frozen_type(settings, mode, torch.device(device)) is torch.float32


def test_training_in_bfloat16_keeps_weights_and_moments_in_float32_and_learns_as_well(plain):
    half, whole = trainer(plain, precision="bf16"), trainer(plain, precision="fp32")
    in_half, in_whole = ([float(made.update(step, 20)["loss"]) for step in range(20)] for made in (half, whole))
    assert {tensor.dtype for tensor in half.state()[0].values()} == {torch.float32}
    assert in_half[0] == pytest.approx(in_whole[0], rel=1e-2)
    assert in_half != in_whole
    assert in_half[-1] == pytest.approx(in_whole[-1], rel=0.05)
    assert in_half[-1] < 0.8 * in_half[0]


def test_sharded_weights_are_not_compiled(plain):
    with pytest.raises(UsageProblem, match="--compile off"):
        trainer(plain, world=World(0, 2), parallel="fsdp", compile="on")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # which the compiler itself looks at
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs a C++ compiler")
def test_one_compilation_serves_all_blocks_and_changes_no_loss(plain):
    from torch._dynamo.utils import counters

    compiled, eager = trainer(plain, compile="on"), trainer(plain, compile="off")
    counters.clear()
    first, second = ([float(made.update(step, 6)["loss"]) for step in range(6)] for made in (compiled, eager))
    assert first == pytest.approx(second, rel=1e-5)
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]
    assert compiled.evaluate(6) == pytest.approx(eager.evaluate(6), rel=1e-5)
    assert set(compiled.state()[0]) == set(eager.state()[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_training_from_scratch_is_compiled_and_in_bfloat16(plain):
    made, reference = trainer(plain, "cuda"), trainer(plain, precision="fp32")
    assert made.products is torch.bfloat16
    losses = [float(made.update(step, 20)["loss"]) for step in range(20)]
    assert losses == pytest.approx([float(reference.update(step, 20)["loss"]) for step in range(20)], rel=0.05)
    tensors, scalars = made.state()
    made.restore({name: tensor.cpu() for name, tensor in tensors.items()}, scalars)
    made.update(20, 21)
