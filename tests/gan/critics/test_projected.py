"""Critics on pretrained features: the scale of the features, the penalty's formula, and who learns from whom."""

import pytest
import torch
import torch.nn.functional as F

from aigc_cli.config.train_gan import TrainGanSettings, completed
from aigc_cli.core.seeding import stream
from aigc_cli.gan.critics.objective import relativistic_critic
from aigc_cli.gan.critics.projected import ProjectedCritics, ProjectedSide, rgb
from aigc_cli.gan.shares import Draws
from aigc_cli.gan.sides import Computing, Turn

PICTURES = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def side_of(critics):
    settings = completed(TrainGanSettings(projected=True, penalty_every=4, lr_d=1e-3))
    return ProjectedSide(critics, settings, Computing(torch.device("cpu")))


def turn_of(step, labels=None):
    return Turn(step, 1.0, PICTURES, labels, Draws(stream(0, "step", step)))


@pytest.fixture(scope="module")
def critics():
    torch.manual_seed(0)
    return ProjectedCritics(PICTURES, labels=0, group=4)


@pytest.fixture(scope="module")
def labelled():
    torch.manual_seed(0)
    return ProjectedCritics(PICTURES, labels=3, group=4)


def test_features_of_the_pictures_they_were_scaled_by_have_mean_zero_and_at_most_deviation_one(critics):
    found = critics.features(PICTURES)
    assert [tuple(x.shape[1:]) for x in found] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    for x in found:
        assert x.mean((0, 2, 3)).abs().max() < 1e-3
        assert 0.5 < x.std() < 1.05
        assert x.std((0, 2, 3)).max() < 1.01


@pytest.fixture(scope="module")
def large():
    torch.manual_seed(0)
    return ProjectedCritics(F.interpolate(PICTURES, size=100), labels=0, group=4)


@pytest.mark.parametrize(("of", "sides", "seen"), [("critics", (16, 32), 64), ("large", (16, 64, 100), 128)])
def test_pictures_are_seen_at_the_sets_size_but_at_64_pixels_at_least(of, sides, seen, request):
    for side in sides:
        found = request.getfixturevalue(of).features(F.interpolate(PICTURES, size=side))
        assert [x.shape[-1] for x in found] == [seen // 4, seen // 8, seen // 16, seen // 32]


def test_what_is_finer_than_64_pixels_is_seen_in_larger_pictures(large):
    row = torch.tensor([0.5, -0.5]).repeat(64)
    chequered = (row * row[:, None]).expand(1, 3, 128, 128) * 2  # which halving by means would turn into a flat picture
    plain, fine = (large.features(pictures)[0] for pictures in (torch.zeros(1, 3, 128, 128), chequered))
    assert (plain - fine).abs().mean() > 0.1 * plain.abs().mean()


def test_the_pretrained_network_is_no_parameter_and_pictures_get_gradients_through_it(critics):
    assert all(name.startswith("critics.") for name, _ in critics.named_parameters())
    pictures = PICTURES.clone().requires_grad_()
    sum(logits.sum() for logits in critics(critics.features(pictures), None)).backward()
    assert (pictures.grad.flatten(1).norm(dim=1) > 0).all()
    critics.zero_grad()


@pytest.mark.parametrize("kind", ["critics", "labelled"])
def test_a_step_moves_the_critics_by_the_loss_with_its_penalty(kind, request):
    critics = request.getfixturevalue(kind)
    labels = torch.tensor([0, 2, 2, 1, 0, 0, 1, 2]) if kind == "labelled" else None
    side = side_of(critics)
    generated = critics.features(PICTURES.flip(2))
    real = critics.features(PICTURES)
    expected = 0.0
    for critic, ours, theirs in zip(critics.critics, real, generated, strict=True):
        halves = [half.detach().requires_grad_() for half in (ours, theirs)]
        logits = [critic(half, labels) for half in halves]
        for half, of_half in zip(halves, logits, strict=True):
            (slopes,) = torch.autograd.grad(of_half.mean(1).sum(), half, retain_graph=True)
            expected += 4.0 / 2 * slopes.flatten(1).square().sum(1).mean().item()
        expected += relativistic_critic(*logits).item()
    before = {name: value.clone() for name, value in critics.state_dict().items()}
    logged = side.update(turn_of(0, labels), generated)
    assert logged["loss_projected"].item() == pytest.approx(expected, rel=1e-4)
    moved = {name for name, value in critics.state_dict().items() if not torch.equal(value, before[name])}
    learned = {name for name, _ in critics.named_parameters() if not name.endswith("logit.bias")}  # cancels in a pair
    assert learned <= moved <= {name for name, _ in critics.named_parameters()}


def test_a_label_adds_its_embeddings_product_with_each_places_features(labelled):
    features = labelled.features(PICTURES)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    seen = []
    hooks = [
        critic.logit.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) for critic in labelled.critics
    ]
    with torch.no_grad():
        judged = labelled(features, labels)
    for hook in hooks:
        hook.remove()
    for critic, logits, last in zip(labelled.critics, judged, seen, strict=True):
        of_label = torch.einsum("bc,bchw->bhw", critic.embed[labels], last) / critic.embed.shape[1] ** 0.5
        torch.testing.assert_close(logits, critic.logit(last).flatten(1) + of_label.flatten(1))


def test_the_generators_loss_leaves_no_gradient_with_the_critics(critics):
    side = side_of(critics)
    pictures = PICTURES.flip(2).requires_grad_()
    generated = critics.features(pictures)
    side.update(turn_of(1), generated)
    critics.zero_grad(set_to_none=True)
    loss, _ = side.generator_loss(turn_of(1), generated)
    loss.backward()
    assert pictures.grad.abs().sum() > 0
    assert all(parameter.grad is None and parameter.requires_grad for parameter in critics.parameters())


def test_grey_is_repeated_and_alpha_lies_over_white():
    grey = torch.tensor([0.5]).view(1, 1, 1, 1)
    assert rgb(grey).flatten().tolist() == [0.5, 0.5, 0.5]
    clear = torch.tensor([-1.0, 0.0, 1.0, -1.0]).view(1, 4, 1, 1)
    assert rgb(clear).flatten().tolist() == [1.0, 1.0, 1.0]
    half = torch.tensor([-1.0, 0.0, 1.0, 0.0]).view(1, 4, 1, 1)
    torch.testing.assert_close(rgb(half).flatten(), torch.tensor([0.0, 0.5, 1.0]))
