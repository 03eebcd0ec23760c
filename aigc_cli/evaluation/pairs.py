"""`eval pairs`: SSIM and PSNR of two folders' pictures, paired by file name."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.config.evaluate import EvalPairsSettings
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.pictures.imageset import PictureFolder, open_picture_folder, read_kind
from aigc_cli.measure.similarity import peak_signal_to_noise, structural_similarity

DATA_RANGE = 255.0
PAIRS_AT_A_TIME = 64


def compare_pairs(a: Path, b: Path, settings: EvalPairsSettings, progress: Progress) -> list[dict[str, Any]]:
    """Return the records to print: the summary, and before it one a pair if the settings ask for them.

    A prepared set stands for its `images` folder. Pictures without a partner of the same name are counted, not used.
    BadData if no names meet or the pictures differ in size. The mean PSNR leaves out equal pairs, whose PSNR is
    infinite, and says how many there were.
    """
    left, right = _pictures(a), _pictures(b)
    places = {name: index for index, name in enumerate(right.names)}
    names = [name for name in left.names if name in places]
    if not names:
        raise BadData(tr("{a} and {b} have no file name in common", a=a, b=b), tr("pairs are made by file name"))
    if left.pixels.shape[1:] != right.pixels.shape[1:]:
        raise BadData(
            tr(
                "{a} has pictures of {shape}, {b} of {other_shape}",
                a=a,
                shape=_shape(left),
                b=b,
                other_shape=_shape(right),
            ),
            tr("resize one of them"),
        )
    rows = torch.tensor([index for index, name in enumerate(left.names) if name in places])
    partners = torch.tensor([places[name] for name in names])
    ssim, psnr = _similarities(left.pixels[rows], right.pixels[partners], progress)
    records: list[dict[str, Any]] = []
    if settings.per_pair:
        for name, similarity, ratio in zip(names, ssim.tolist(), psnr.tolist(), strict=True):
            finite = None if ratio == float("inf") else ratio
            records.append({"schema": "aigc.eval.pair/1", "file": name, "ssim": similarity, "psnr_db": finite})
    unequal = psnr[psnr.isfinite()]
    summary = {
        "schema": "aigc.eval.pairs/1",
        "a": str(a),
        "b": str(b),
        "n": len(names),
        "unpaired_a": len(left.names) - len(names),
        "unpaired_b": len(right.names) - len(names),
        "data_range": DATA_RANGE,
        "ssim": float(ssim.mean()),
        "psnr_db": float(unequal.mean()) if len(unequal) else None,
        "equal_pairs": len(psnr) - len(unequal),
    }
    return [*records, summary]


def _pictures(path: Path) -> PictureFolder:
    return open_picture_folder(path / "images" if read_kind(path) == "set" else path)


def _shape(folder: PictureFolder) -> str:
    channels, height, width = folder.pixels.shape[1:]
    return tr("{width}x{height} with {channels} channels", width=width, height=height, channels=channels)


def _similarities(a_NCHW: Tensor, b_NCHW: Tensor, progress: Progress) -> tuple[Tensor, Tensor]:
    progress.stage(tr("comparing pairs"), len(a_NCHW), tr("pairs"))
    ssim, psnr = [], []
    for start in range(0, len(a_NCHW), PAIRS_AT_A_TIME):
        rows = slice(start, start + PAIRS_AT_A_TIME)
        ssim.append(structural_similarity(a_NCHW[rows], b_NCHW[rows], data_range=DATA_RANGE))
        psnr.append(peak_signal_to_noise(a_NCHW[rows], b_NCHW[rows], data_range=DATA_RANGE))
        progress.advance(len(ssim[-1]))
    progress.close()
    return torch.cat(ssim), torch.cat(psnr)
