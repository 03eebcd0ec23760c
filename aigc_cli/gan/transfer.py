"""Begin with what another face run has learned: every tensor that has the same place and shape there.

A place is a layer at a resolution, whatever its number in the list is at another picture size. A network for larger
pictures takes over all but its outermost layers, and those begin so that its first pictures are the smaller ones,
up-sampled. Rows that belong to labels go by the labels' names; a label that the other run has not begins as the mean of
those that it has. Pictures may be of another mode (`gan.channels`). Knows nothing of optimizers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.snapshots import load_snapshot
from aigc_cli.core.errors import BadConfig, BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.gan.architectures.r3 import R3Generator
from aigc_cli.gan.architectures.style import StyleGenerator
from aigc_cli.gan.channels import can_become, critic_seen_as, generator_seen_as
from aigc_cli.gan.critics.projected import seen_size
from aigc_cli.gan.sampler import best_weights

GROWING = ("style", "r3")  # the others have layers of other widths at another size, or a nonlinear end
FROM_PICTURE = ("downs", "stages")  # a critic's lists, whose first entry is at the run's own size
PER_LABEL = re.compile(r"(^|\.)(embed|classify|gain|offset|logit)(\.|$)")


@dataclass(frozen=True)
class Taken:
    """How many tensors of the generator and of its critics were taken, and how many there are."""

    generator: int
    of_generator: int
    critics: int
    of_critics: int


def begin_with(run: Path, config: Mapping[str, Any], generator: nn.Module, critics: Mapping[str, nn.Module]) -> Taken:
    """Fill the networks of `config` from a face run: its best averaged generator, and the newest of its critics.

    `critics` are by their names in checkpoints; one that the run has not stays as it is.
    Raises BadConfig where the run's networks are of another kind, BadData where none of its tensors fits, and what
    reading the run's weights raises.
    """
    theirs, weights = best_weights(run)
    _require_kin(run, theirs, config)
    weights = generator_seen_as(weights, theirs, config["channels"])
    taken = _fill(generator, weights, "generator", theirs, config)
    if not taken:
        raise BadData(tr("{run}: none of its tensors has a place here", run=run), tr("train without --init"))
    if config["size"] > theirs["size"]:
        _continue_pictures(generator, weights, theirs)
    steps = RunDir(run).checkpoint_steps()
    snapshot = load_snapshot(RunDir(run), steps[-1])[0] if steps else {}
    judged = 0
    for part, critic in critics.items():
        prefix = f"{part}."
        found = {name.removeprefix(prefix): value for name, value in snapshot.items() if name.startswith(prefix)}
        if part == "critic":  # critics on features see all pictures in colour
            found = critic_seen_as(found, theirs, config["channels"])
        judged += _fill(critic, found, part, theirs, config)
    of_critics = sum(len(critic.state_dict()) for critic in critics.values())
    return Taken(taken, len(generator.state_dict()), judged, of_critics)


def _require_kin(run: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Raise BadConfig unless networks of `theirs` can become ones of `ours`."""
    theirs, ours = ({"modulation": "weight", **config} for config in (theirs, ours))
    for name in ("arch", "width", "channels", "size", "modulation"):
        had, needed = theirs[name], ours[name]
        if had == needed or (name == "size" and had < needed and ours["arch"] in GROWING):
            continue
        if name == "channels" and can_become(had=had, needed=needed):
            continue
        if name == "channels":
            problem = tr(
                "--init {run}: its pictures have {had} channels, not {needed}", run=run, had=had, needed=needed
            )
            remedy = tr("prepare the images with its --mode")
        elif name == "size":
            problem = tr("--init {run}: its pictures have {had} pixels, not {needed}", run=run, had=had, needed=needed)
            remedy = tr("prepare the images with --size {had}; only style and r3 grow, to larger ones", had=had)
        else:
            problem = tr(
                "--init {run}: it has --{name} {had}, not {needed}", run=run, name=name, had=had, needed=needed
            )
            remedy = tr("add --{name} {had}", name=name, had=had)
        raise BadConfig(problem, remedy)


def place_of(name: str, part: str, size: int) -> str:
    """Return a tensor's place: its name with the number of what begins at the picture replaced by the resolution.

    Critics on features have a place for each size at which the pretrained network sees pictures.
    """
    head, *rest = name.split(".")
    if part == "critic" and head in FROM_PICTURE:
        return ".".join([f"{head}@{size >> int(rest[0])}", *rest[1:]])
    if part == "projected":
        return f"{name}@{seen_size(size)}"
    return name


@torch.no_grad()
def _fill(
    network: nn.Module, weights: Mapping[str, Tensor], part: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]
) -> int:
    """Copy what fits into a network, and return how many of its tensors were filled."""
    at_place = {place_of(name, part, theirs["size"]): value for name, value in weights.items()}
    taken = 0
    for name, mine in network.state_dict().items():
        found = at_place.get(place_of(name, part, ours["size"]))
        if found is not None and _copy(mine, found, name, theirs["label_names"], ours["label_names"]):
            taken += 1
    return taken


def _copy(mine: Tensor, found: Tensor, name: str, theirs: Sequence[str], ours: Sequence[str]) -> bool:
    """Copy a tensor into another, row by row where rows are labels'; return whether it was.

    A label that only this run has begins as what the other run's labels have in common: their mean.
    """
    a_row_a_label = found.shape[:1] == (len(theirs),) and mine.shape[:1] == (len(ours),)
    if ours and theirs and PER_LABEL.search(name) and a_row_a_label and found.shape[1:] == mine.shape[1:]:
        mean = found.mean(0)
        for at, label in enumerate(ours):
            mine[at] = found[theirs.index(label)] if label in theirs else mean
        return True
    if found.shape != mine.shape:
        return False
    mine.copy_(found)
    return True


@torch.no_grad()
def _continue_pictures(generator: nn.Module, weights: Mapping[str, Tensor], theirs: Mapping[str, Any]) -> None:
    """Let a grown generator begin with the pictures of the smaller one, up-sampled.

    style: pictures are a sum over resolutions, so the new ones begin by adding nothing. r3: fresh stages pass on what
    they get, so pictures are products of the new projections; the first of these changes by the least (Penrose 1955,
    the pseudo-inverse) that makes the product the old head.
    """
    known = int(theirs["size"]).bit_length() - 3  # doublings from 4 pixels that the smaller one makes
    if isinstance(generator, StyleGenerator):
        generator.silence_above(int(theirs["size"]))
    if isinstance(generator, R3Generator):
        old_head = weights["to_picture.weight"][:, :, 0, 0]
        first, *later = [up.weight[:, :, 0, 0] for up in list(generator.ups)[known:]]  # type: ignore[index]
        path = generator.to_picture.weight[:, :, 0, 0].cpu()
        for projection in reversed(later):
            path = path @ projection.cpu()
        missing = old_head - path @ first.cpu()
        first += (torch.linalg.pinv(path) @ missing).to(first.device)
        generator.load_state_dict({"to_picture.bias": weights["to_picture.bias"]}, strict=False)
