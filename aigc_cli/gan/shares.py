"""A batch that several processes compute together: who has which pictures, and with which random numbers.

Each has an equal share of neighbours, so that a mean over all pictures is the mean of the processes' means. What is
random is drawn for the whole batch everywhere, and each keeps its own: a training does not depend on how many compute
it. Knows nothing of losses.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.words.messages import tr
from aigc_cli.gan.architectures.style import DEVIATION_GROUP


class Draws:
    """Random numbers for this process's share of a batch, from a stream at the same place in every process.

    `count` is the number of its pictures; the others have as many.
    """

    def __init__(self, random: torch.Generator, world: World = ALONE) -> None:
        self._random, self._world = random, world

    def uniform(self, count: int, *shape: int) -> Tensor:
        """Return numbers from 0 to 1, (count, *shape)."""
        return self._own(torch.rand(count * self._world.size, *shape, generator=self._random))

    def normal(self, count: int, *shape: int) -> Tensor:
        """Return numbers from N(0, 1), (count, *shape)."""
        return self._own(torch.randn(count * self._world.size, *shape, generator=self._random))

    def integers(self, low: int, high: int, count: int, *shape: int) -> Tensor:
        """Return integers from `low` to `high` - 1, (count, *shape)."""
        return self._own(torch.randint(low, high, (count * self._world.size, *shape), generator=self._random))

    def _own(self, drawn: Tensor) -> Tensor:
        return drawn[own_rows(len(drawn), self._world)]


def own_rows(batch_size: int, world: World) -> slice:
    """Return which rows of a batch are this process's."""
    count = batch_size // world.size
    return slice(world.rank * count, (world.rank + 1) * count)


def check_shares(generator: nn.Module, critic: nn.Module, settings: TrainGanSettings, world: World) -> None:
    """Raise UsageProblem where the processes of `world` would not compute what one does."""
    if world.size == 1:
        return
    modules = [*generator.modules(), *critic.modules()]
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in modules):
        raise UsageProblem(
            tr("--arch {arch} normalises over a whole batch, so it trains in one process only", arch=settings.arch),
            tr("start it without torchrun, or use --arch style, r3 or mlp"),
        )
    batch_size = settings.batch_size
    group = DEVIATION_GROUP if settings.projected or hasattr(critic, "group") else 1
    if batch_size % (world.size * group):
        fitting = -(-batch_size // (world.size * group)) * world.size * group
        raise UsageProblem(
            tr(
                "--batch-size {batch_size} does not divide into {count} shares of a multiple of {group} pictures",
                batch_size=batch_size,
                count=world.size,
                group=group,
            ),
            tr("use --batch-size {fitting}, or another number of processes", fitting=fitting),
        )


def backward(
    loss: Tensor, module: nn.Module, metrics: Mapping[str, float | Tensor], world: World
) -> dict[str, float | Tensor]:
    """Compute the gradients of a network of a loss over this process's share; make them means over all processes.

    Returns the metrics, averaged too. By hand: torch's wrapper reduces in hooks, which the gradient inside a penalty
    does not fire.
    """
    module.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if world.size == 1:
        return dict(metrics)
    values = torch.stack([torch.as_tensor(value).detach() for value in metrics.values()])
    world.mean_([values, *_gradients(module)])
    return dict(zip(metrics, values.unbind(), strict=True))


def gradient_norm(module: nn.Module) -> Tensor:
    """Return the norm of all gradients of a network as one vector."""
    norm: Tensor = torch.stack(torch._foreach_norm(_gradients(module))).norm()
    return norm


def _gradients(module: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
