"""Projection heads against Miyato & Koyama 2018, arXiv:1802.05637, eq. 3, in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from aigc_cli.gan.architectures.layers import lrelu
from aigc_cli.gan.architectures.resnet import ResnetCritic
from aigc_cli.gan.architectures.style import StyleCritic
from aigc_cli.gan.critics.projected import FeatureCritic

LABELS = torch.tensor([2, 0, 1, 2])


def style():
    """Return logits, features (B, F) and the head's parts: psi's weights and bias, the rows of V, their scale."""
    critic = StyleCritic(size=16, channels=3, labels=3, width=0.06).double()
    seen = []
    critic.features.register_forward_hook(lambda layer, told, found: seen.append(lrelu(found)))
    logits = critic(torch.rand(4, 3, 16, 16, dtype=torch.float64), LABELS)
    head = critic.logit
    return logits, seen[0], head.weight * head.scale, head.bias, critic.embed / critic.embed.shape[1] ** 0.5


def resnet():
    critic = ResnetCritic(size=16, channels=3, labels=3, width=0.06).double().eval()
    seen = []
    critic.blocks.register_forward_hook(lambda layer, told, found: seen.append(F.relu(found).sum((2, 3))))
    logits = critic(torch.rand(4, 3, 16, 16, dtype=torch.float64), LABELS)
    return logits, seen[0], critic.logit.weight, critic.logit.bias, critic.embed.weight


def one_place_of_features():
    critic = FeatureCritic(8, 1, 3, 2).double()
    seen = []
    critic.last.register_forward_hook(lambda layer, told, found: seen.append(lrelu(found).flatten(1)))
    logits = critic(torch.rand(4, 8, 1, 1, dtype=torch.float64), LABELS)
    head = critic.logit
    rows = critic.embed / critic.embed.shape[1] ** 0.5
    return logits.squeeze(1), seen[0], head.weight.flatten(1) * head.scale, head.bias, rows


@torch.no_grad()
@pytest.mark.parametrize("kind", [style, resnet, one_place_of_features])
def test_the_logit_is_psi_of_the_features_and_their_product_with_the_label_s_row(kind):
    torch.manual_seed(0)
    logits, features, weight, bias, rows = kind()
    wanted = [
        float(weight[0] @ f + bias) + float(rows[label] @ f) for f, label in zip(features, LABELS.tolist(), strict=True)
    ]
    assert_close(logits, torch.tensor(wanted, dtype=torch.float64))
    assert features.abs().sum() > 0 and rows[LABELS].std(0).min() > 0
