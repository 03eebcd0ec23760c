"""Settings of `aigc metrics`."""

from dataclasses import dataclass

from aigc_cli.config.base import setting


@dataclass(frozen=True, kw_only=True)
class MetricsSettings:
    """Which curves to show."""

    metric: str | None = setting(
        None, "Metric to show (default: the loss, and what chooses the best weights).", metavar="NAME"
    )
    follow: bool = setting(False, "Go on as training does, until it ends.")
