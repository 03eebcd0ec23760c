"""Let networks of pictures in one mode make and judge pictures in another: grey, colour, colour with transparency.

Only the two ends at the picture change, the generator's last layer and the critic's first. A generator begins with the
pictures that it made, seen in the other mode; a critic judges a picture as it judged that picture seen in its own. Grey
is Rec. 601 luma, as Pillow's "L". What gets an alpha channel begins opaque. Knows nothing of runs and labels.

Suffixes: C channels.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
OPAQUE_TANH = 4.0  # tanh of it is 255 of 255


@dataclass(frozen=True)
class Ends:
    """The tensors at the picture, as patterns of whole names, and what must be known of them."""

    to_picture: str
    from_picture: str
    out_axis: int = 0  # of the generator's kernel
    is_bounded: bool = False  # by a tanh, which is not linear: then what goes into it is mixed


ENDS = {
    "style": Ends(r"(first_rgb|rgbs\.\d+)\.(weight|bias)", r"(from_rgb|entries\.\d+)\.weight"),
    "r3": Ends(r"to_picture\.(weight|bias)", r"from_picture\.weight"),
    "dcgan": Ends(r"layers\.{last}\.(weight|bias)", r"layers\.0\.weight", out_axis=1, is_bounded=True),
    "mlp": Ends(r"to_picture\.(weight|bias)", r"hidden\.weight", is_bounded=True),
    "resnet": Ends(
        r"to_picture\.(weight|bias)", r"blocks\.0\.(conv_1|skip)\.parametrizations\.weight\.original", is_bounded=True
    ),
}


def can_become(had: int, needed: int) -> bool:
    """Say whether networks of pictures with `had` channels can begin to make ones with `needed`.

    Transparency goes nowhere: laid over white, colour and alpha are multiplied, and an end only adds.
    """
    return had in (needed, 1, 3)


def seen_as(had: int, needed: int) -> Tensor:
    """Return the matrix (needed, had) that takes a pixel in [-1, 1] to another mode, but for the alpha that it gets."""
    colour = torch.eye(3)
    to_rgb = {1: torch.ones(3, 1), 3: colour, 4: torch.cat([colour, torch.zeros(3, 1)], 1)}
    from_rgb = {1: torch.tensor([LUMA]), 3: colour, 4: torch.cat([colour, torch.zeros(1, 3)])}
    return torch.eye(had) if had == needed else from_rgb[needed] @ to_rgb[had]


def generator_seen_as(weights: Mapping[str, Tensor], theirs: Mapping[str, Any], needed: int) -> dict[str, Tensor]:
    """Return a generator's weights such that its pictures have `needed` channels.

    Behind a tanh it is what goes into it that is mixed: exact where the colours are equal, and otherwise as near as
    tanh is to a line.
    """
    had, ends = theirs["channels"], ENDS[theirs["arch"]]
    if had == needed:
        return dict(weights)
    pattern = ends.to_picture.replace("{last}", str(_last_layer(weights)))
    found = dict(weights)
    for name in [name for name in weights if re.fullmatch(pattern, name)]:
        is_bias = name.endswith("bias")
        found[name] = _mixed(weights[name], seen_as(had, needed), 0 if is_bias else ends.out_axis)
        if is_bias and needed == 4 and not name.startswith("rgbs"):  # style's coarsest picture is under all others
            found[name][3] = OPAQUE_TANH if ends.is_bounded else 1.0
    return found


def critic_seen_as(weights: Mapping[str, Tensor], theirs: Mapping[str, Any], needed: int) -> dict[str, Tensor]:
    """Return a critic's weights such that it judges pictures of `needed` channels, each as it was in its own mode.

    Spectral normalisation sets the size of a kernel anew, so the first layer of resnet keeps its directions alone.
    """
    had, arch = theirs["channels"], theirs["arch"]
    if had == needed:
        return dict(weights)
    found = dict(weights)
    places = theirs["size"] ** 2 if arch == "mlp" else 1
    for name in [name for name in weights if re.fullmatch(ENDS[arch].from_picture, name)]:
        count = had * places  # behind them: channels or inputs of labels
        kernel = weights[name][:, :count]
        kernel = kernel.reshape(len(kernel), had, places, *kernel.shape[2:])
        kernel = _mixed(kernel, seen_as(needed, had).t(), 1).flatten(1, 2)
        if arch == "style":
            kernel = kernel * (needed / had) ** 0.5  # its scale at run time is of the number of inputs
        found[name] = torch.cat([kernel, weights[name][:, count:]], 1)
        if arch == "resnet":
            _normalised_by(found, name)
    return found


def _last_layer(weights: Mapping[str, Tensor]) -> int:
    numbers = [int(name.split(".")[1]) for name in weights if re.match(r"layers\.\d", name)]
    return max(numbers, default=0)


def _mixed(tensor: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """Return a tensor whose channels along an axis are sums of what they were."""
    moved: Tensor = torch.tensordot(matrix.to(tensor), tensor.movedim(axis, 0), 1)
    return moved.movedim(0, axis).contiguous()


def _normalised_by(weights: dict[str, Tensor], name: str) -> None:
    """Set the singular vectors that spectral normalisation divides a new kernel by."""
    left, _, right = torch.linalg.svd(weights[name].flatten(1), full_matrices=False)
    place = name.removesuffix("original")
    weights[f"{place}0._u"], weights[f"{place}0._v"] = left[:, 0].contiguous(), right[0].contiguous()
