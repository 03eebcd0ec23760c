"""Spectral normalisation of the residual critic against singular values and the paper's power iteration."""

import torch
from torch.testing import assert_close

from aigc_cli.gan.architectures.resnet import ResnetCritic


def made():
    torch.manual_seed(0)
    return ResnetCritic(size=16, channels=3, labels=4, width=0.06).double()


def normalised(critic):
    """Return the weights that are parametrized, by name: (module, stored weights as a matrix)."""
    return {
        name: (module, module.parametrizations.weight.original.flatten(1))
        for name, module in critic.named_modules()
        if hasattr(module, "parametrizations")
    }


def test_the_critic_s_weights_are_divided_by_their_largest_singular_values():
    critic = made()
    found = normalised(critic)
    stored = {name for name, weight in critic.named_parameters() if weight.dim() > 1}
    assert stored == {f"{name}.parametrizations.weight.original" for name in found}, "none is left out"
    with torch.no_grad():
        for _ in range(300):  # of one step each
            critic(torch.zeros(1, 3, 16, 16, dtype=torch.float64), torch.zeros(1, dtype=torch.int64))
        critic.eval()
        for module, matrix in found.values():
            largest = torch.linalg.svdvals(matrix)[0]
            assert_close(module.weight.flatten(1), matrix / largest, rtol=1e-3, atol=1e-5)


def test_a_forward_pass_is_one_step_of_power_iteration():
    """Algorithm 1 of Miyato et al. 2018, begun with the other of its two vectors."""
    critic = made()
    module, matrix = normalised(critic)["blocks.1.conv_1"]
    kept = module.parametrizations.weight[0]
    v = kept._v.clone()
    with torch.no_grad():
        critic(torch.zeros(1, 3, 16, 16, dtype=torch.float64), torch.zeros(1, dtype=torch.int64))
        u = matrix @ v
        u = u / u.norm()
        v = matrix.T @ u
        v = v / v.norm()
        assert_close(kept._u, u)
        assert_close(kept._v, v)
        critic.eval()
        assert_close(module.weight.flatten(1), matrix / (u @ matrix @ v))
