"""How long to train, how often to look, what to keep: what the loop is told before it begins."""

from dataclasses import dataclass

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.config.train_gpt import TrainGptSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to train, how often to look, what to keep. Exactly one of `steps` and `minutes` is given."""

    steps: int | None
    minutes: float | None
    evaluations: int = 10
    log_every_steps: int = 20
    save_every_seconds: float = 60.0
    save_every_steps: int = 0
    keep_checkpoints: int = 2
    patience: int = 0
    plateau_patience: int = 1
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise UsageProblem(tr("how long to train?"), tr("give --steps or --minutes, one of them"))

    @classmethod
    def of(cls, settings: TrainGanSettings | TrainGptSettings) -> "Plan":
        """Return the plan that a command's settings say: a number of steps overrides minutes."""
        return cls(
            steps=settings.steps,
            minutes=None if settings.steps is not None else settings.minutes,
            evaluations=settings.evaluations,
            log_every_steps=settings.log_every_steps,
            save_every_seconds=60 * settings.save_minutes,
            save_every_steps=settings.save_every,
            keep_checkpoints=settings.keep,
            patience=settings.patience,
            plateau_patience=settings.plateau_patience,
            tensorboard=settings.tensorboard,
        )
