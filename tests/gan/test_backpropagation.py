"""The dense network's gradients against backpropagation written out by hand, layer by layer, in float64."""

import torch
from torch.testing import assert_close

from aigc_cli.gan.architectures.dcgan import MlpCritic
from aigc_cli.gan.critics.objective import bce_critic


def test_the_dense_critic_s_gradients_are_those_written_out():
    torch.manual_seed(0)
    critic = MlpCritic(size=4, channels=1, labels=0, width=0.1).double()
    pictures = torch.randn(10, 1, 4, 4, dtype=torch.float64)
    real, generated = critic(pictures).chunk(2)
    bce_critic(real, generated).backward()

    x = pictures.flatten(1)
    sums = x @ critic.hidden.weight.T + critic.hidden.bias
    h = sums.clamp(min=0)
    logit = (h @ critic.logit.weight.T + critic.logit.bias).squeeze(1)
    wanted = torch.tensor([1.0] * 5 + [0.0] * 5)
    delta = (1 / (1 + (-logit).exp()) - wanted) / 5  # each half is a mean of its own
    back = delta[:, None] * critic.logit.weight * (sums > 0)

    assert 0 < int((sums > 0).sum()) < sums.numel(), "both sides of the ReLU are passed"
    assert_close(critic.logit.weight.grad, delta[None] @ h)
    assert_close(critic.logit.bias.grad, delta.sum()[None])
    assert_close(critic.hidden.weight.grad, back.T @ x)
    assert_close(critic.hidden.bias.grad, back.sum(0))
