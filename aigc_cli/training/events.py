"""TensorBoard's event files beside `metrics.jsonl`: the same numbers, written by torch. Needs the extra."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.core.errors import Unavailable
from aigc_cli.core.machine.extras import install_command
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def require_tensorboard() -> None:
    """Raise Unavailable (69) if the tensorboard package is not there."""
    if find_spec("tensorboard") is None:
        raise Unavailable(tr("--tensorboard needs the tensorboard package"), install_command("tensorboard"))


class EventLog:
    """Writes records that carry a `step` as scalars. What a resume takes back is marked so, and not shown."""

    def __init__(self, folder: Path) -> None:
        require_tensorboard()
        self._folder = folder
        self._purge_step: int | None = None
        self._writer: SummaryWriter | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Write each number of a record under its name."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=self._purge_step)
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, record["step"])

    def cut_after(self, step: int) -> None:
        """Void what was written for later steps: TensorBoard passes over it when it meets the next file."""
        self.close()
        self._purge_step = step + 1

    def close(self) -> None:
        """Write what is still in memory."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
