import subprocess
import sys

import pytest
import torch
from torch import nn

from aigc_cli.training.adamw import AdamW


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_published_formula():
    parameter, values = nn.Parameter(randn(3, 2)), randn(3, 2).double()
    optimizer = AdamW({"p": parameter}, betas=(0.9, 0.99), eps=1e-8)
    first, second = torch.zeros(3, 2).double(), torch.zeros(3, 2).double()
    for step in range(1, 5):
        gradient = randn(3, 2, seed=step)
        parameter.grad = gradient.clone()
        optimizer.step(0.05, 0.1)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient.double() ** 2
        update = (first / (1 - 0.9**step)) / ((second / (1 - 0.99**step)).sqrt() + 1e-8)
        values = values * (1 - 0.05 * 0.1) - 0.05 * update
    torch.testing.assert_close(parameter.detach().double(), values, atol=1e-6, rtol=1e-5)


def test_gains_do_not_decay():
    gain = nn.Parameter(torch.ones(4))
    gain.grad = torch.zeros(4)
    AdamW({"g": gain}, betas=(0.9, 0.99)).step(0.5, 0.5)
    assert gain.tolist() == [1.0] * 4


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_restored_state_goes_on_bit_equal_however_weights_lie_in_memory(layout):
    """The kernel walks memory: moments that lie otherwise than their weights would move the wrong ones."""

    def steps(optimizer, parameter, numbers):
        for number in numbers:
            parameter.grad = randn(4, 3, 2, 5, seed=number).contiguous(memory_format=layout)
            optimizer.step(0.1, 0.01)

    straight = nn.Parameter(randn(4, 3, 2, 5).contiguous(memory_format=layout))
    optimizer = AdamW({"p": straight}, betas=(0.9, 0.99))
    steps(optimizer, straight, range(3))
    saved = {name: tensor.clone().contiguous() for name, tensor in optimizer.state().items()}  # as files hold them
    resumed = nn.Parameter(straight.detach().clone())
    again = AdamW({"p": resumed}, betas=(0.9, 0.99))
    again.restore(saved)
    steps(optimizer, straight, range(3, 6))
    steps(again, resumed, range(3, 6))
    assert torch.equal(straight, resumed)


def test_without_decay_it_is_torch_s_adam_to_the_bit():
    ours, theirs = nn.Parameter(randn(5, 4)), nn.Parameter(randn(5, 4))
    adamw, adam = AdamW({"p": ours}, betas=(0.0, 0.99)), torch.optim.Adam([theirs], 0.01, (0.0, 0.99), fused=True)
    for step in range(4):
        ours.grad, theirs.grad = randn(5, 4, seed=step), randn(5, 4, seed=step)
        adamw.step(0.01)
        adam.step()
    assert torch.equal(ours, theirs)


def test_state_is_named_as_asked_and_only_where_there_is_any():
    moved, still = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdamW({"0": moved, "1": still}, betas=(0.0, 0.99), key="adam_g.{name}.{kind}")
    moved.grad = torch.ones(2)
    optimizer.step(0.1)
    assert sorted(optimizer.state()) == ["adam_g.0.exp_avg", "adam_g.0.exp_avg_sq", "adam_g.0.step"]
    again = AdamW({"0": moved, "1": still}, betas=(0.0, 0.99), key="adam_g.{name}.{kind}")
    again.restore(optimizer.state())
    assert again.state().keys() == optimizer.state().keys()


def test_a_step_loads_no_compiler():
    code = "import sys, torch; from aigc_cli.training.adamw import AdamW; p = torch.nn.Parameter(torch.ones(1))\n"
    code += "p.grad = torch.ones(1); AdamW({'p': p}, (0.0, 0.99)).step(0.1); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
