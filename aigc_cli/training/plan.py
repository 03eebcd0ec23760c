"""How long to train, how often to look, what to keep: what the loop is told before it begins."""

from dataclasses import dataclass

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
