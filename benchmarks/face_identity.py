"""A second space to judge photographs of people in: the descriptors of a face-recognition network (face_api.py).

python benchmarks/face_identity.py FACES --face-api FOLDER [--samples SAMPLES] [--person REGEX]

FACES is a set made by `aigc prepare images`, or a folder of pictures of one size; SAMPLES a safetensors file with
`pixels` as gan_faces.py and gan_ablation.py keep them, a set, or a folder. Nobody is looked for in them: a picture is a
face as it is framed, enlarged to 150 pixels. No training saw this network. One JSON line:

faces      where the names of the sources say who it is (--person finds it in them, subject01 by default): how well
           persons are told apart in FACES themselves. `auc`: how often two pictures of one person are nearer to each
           other than two of different persons. `identified`: how often the nearest other picture is of the same person.
           `limit`: the distance that one in a hundred pairs of different persons comes below.
samples    distance, spread, precision and recall (k = 3) beside the floor: what one half of FACES gets against the
           other, the mean of eight halvings; samples are compared with the same halves, as many of them, so that both
           numbers are of equal n. `near_training`: the share as near to a training picture as the nearest hundredth of
           the held-out ones, and `near_training_at_median` as near as the nearest half of them, which is steadier where
           few are held out (.01 and .5 are what new pictures of the same people get).
           Of a folder nothing is known to be held out, and `near_training` is left out.
persons    among them: how many persons are met. A sample meets whose picture is the nearest to it, if that is nearer
           than `limit`.

Suffixes: N real pictures, M samples, D feature dimension.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from face_api import NAME, load_recogniser
from gan_options import pictures_of
from torch import Tensor

from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.seeding import stream
from aigc_cli.data.pictures.imageset import as_uint8, open_image_set, open_picture_folder, read_kind
from aigc_cli.measure.features import Extractor, extract
from aigc_cli.measure.frechet import frechet_distance, gaussian, spread
from aigc_cli.measure.neighbours import near_training, nearest, neighbourhood

PERSON = r"subject\d+"
FALSE_MATCHES = 0.01  # of pairs of different persons, at the limit below which a sample is somebody
HALVINGS, LEAST = 8, 8
COLUMNS = (  # of tables, with what real pictures get at equal n
    *("n", "distance", "distance_floor", "precision", "precision_floor", "recall", "recall_floor"),
    *("near_training", "persons"),
)


def agreement(real_ND: Tensor, generated_MD: Tensor) -> dict[str, float]:
    """Return what samples get against halves of the real pictures, and what the other halves get: at equal n.

    `nearest` is the median distance to the nearest real picture.
    """
    half = min(len(real_ND) // 2, len(generated_MD))
    if half < LEAST:
        raise SystemExit(
            f"{len(real_ND)} real pictures and {len(generated_MD)} samples are too few for halves of {LEAST}"
        )
    rows = []
    for turn in range(HALVINGS):
        order = torch.randperm(len(real_ND), generator=stream(0, "halves", turn))
        chosen = torch.randperm(len(generated_MD), generator=stream(0, "samples of a half", turn))[:half]
        kept, other = real_ND[order[:half]], real_ND[order[half : 2 * half]]
        rows.append([compared(kept, generated_MD[chosen]), compared(kept, other)])
    found: dict[str, float] = {"n": half}
    for name in rows[0][0]:
        for place, suffix in enumerate(("", "_floor")):
            values = [row[place][name] for row in rows]
            found[name + suffix] = round(sum(values) / len(values), 4)
    return found


def compared(real_ND: Tensor, generated_MD: Tensor) -> dict[str, float]:
    """Return how a set of descriptors stands to a real one."""
    real, generated = gaussian(real_ND), gaussian(generated_MD)
    near = neighbourhood(real_ND, generated_MD, 3)
    return {
        "distance": frechet_distance(generated, real),
        "spread": spread(generated, real),
        "precision": float(near.is_realistic_M.double().mean()),
        "recall": float(near.is_recalled_N.double().mean()),
        "nearest": float(nearest(generated_MD, real_ND).median()),
    }


def copies(generated_MD: Tensor, held_out_ND: Tensor, train_ND: Tensor) -> dict[str, float]:
    """Return the shares of samples as near to a training picture as few held-out pictures, and as half of them, are."""
    return {
        "near_training": round(near_training(generated_MD, held_out_ND, train_ND), 4),
        "near_training_at_median": round(near_training(generated_MD, held_out_ND, train_ND, 0.5), 4),
    }


def pairs(real_ND: Tensor, persons: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return the distances of all pairs of one person, and of all pairs of different persons."""
    first, second = torch.triu_indices(len(real_ND), len(real_ND), 1)
    distances = torch.cdist(real_ND.double(), real_ND.double())[first, second]
    codes = torch.tensor([sorted(set(persons)).index(person) for person in persons])
    same = codes[first] == codes[second]
    return distances[same], distances[~same]


def told_apart(real_ND: Tensor, persons: Sequence[str]) -> dict[str, float]:
    """Return how well persons are told apart, and the limit below which two pictures count as one person's."""
    same, different = pairs(real_ND, persons)
    if not len(same) or not len(different):
        raise SystemExit("persons are told apart where there are two of them, and two pictures of one")
    nearer = torch.searchsorted(different.sort().values, same)  # how many different pairs are nearer than each
    distances = torch.cdist(real_ND.double(), real_ND.double()).fill_diagonal_(torch.inf)
    hits = [persons[row] == persons[at] for row, at in enumerate(distances.argmin(1).tolist())]
    return {
        "auc": round(1 - float(nearer.double().mean()) / len(different), 4),
        "identified": round(sum(hits) / len(hits), 4),
        "same_person": round(float(same.median()), 4),
        "different_persons": round(float(different.median()), 4),
        "limit": round(float(different.quantile(FALSE_MATCHES)), 4),
    }


def met(generated_MD: Tensor, real_ND: Tensor, persons: Sequence[str], limit: float) -> dict[str, Any]:
    """Return how many persons are met, by how many samples each, and the share of samples that meet somebody."""
    distances = torch.cdist(generated_MD.double(), real_ND.double())
    counts: Counter[str] = Counter()
    for distance, at in zip(*(values.tolist() for values in distances.min(1)), strict=True):
        if distance < limit:
            counts[persons[at]] += 1
    share = round(sum(counts.values()) / len(generated_MD), 4)
    return {"met": len(counts), "of": len(set(persons)), "share": share, "samples": dict(sorted(counts.items()))}


@dataclass(frozen=True)
class IdentityJudge:
    """What samples are compared with: real pictures, the set that was trained on, and who is in the set."""

    extractor: Extractor
    real_ND: Tensor
    set_ND: Tensor
    is_valid: Tensor | None
    persons: list[str]

    @cached_property
    def faces(self) -> dict[str, float]:
        """How well persons are told apart in the set; nothing where it does not say who they are."""
        return told_apart(self.set_ND, self.persons) if self.persons else {}

    def judge(self, pixels_MCHW: Tensor) -> dict[str, Any]:
        """Return what is said of uint8 samples."""
        generated_MD = extract(self.extractor, pixels_MCHW)
        found: dict[str, Any] = agreement(self.real_ND, generated_MD)
        if self.is_valid is not None and self.is_valid.any():
            found |= copies(generated_MD, self.set_ND[self.is_valid], self.set_ND[~self.is_valid])
        if self.persons:
            found["persons"] = met(generated_MD, self.set_ND, self.persons, self.faces["limit"])
        return found


def judge_of(folder: Path, faces: Path, real: Tensor | None = None, person: str = PERSON) -> IdentityJudge:
    """Return the judge of samples of a training on `faces` (a set, or a folder), beside `real` pictures or those."""
    extractor = load_recogniser(folder)
    pixels, names, is_valid = faces_of(faces)
    set_ND = extract(extractor, pixels)
    real_ND = set_ND if real is None else extract(extractor, real)
    return IdentityJudge(extractor, real_ND, set_ND, is_valid, persons_of(names, person))


def identity_columns(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a table shows of a record's `identity`, by the names of columns; nothing where it has none."""
    found = record.get("identity", {})
    columns = {f"identity_{name}": found[name] for name in COLUMNS if name in found}
    if "persons" in found:
        columns["identity_persons"] = "{met} of {of}".format(**found["persons"])
    return columns


def faces_of(path: Path) -> tuple[Tensor, list[str], Tensor | None]:
    """Return pictures, the names of their sources, and who is held out, if it is a set."""
    if read_kind(path) == "folder":
        folder = open_picture_folder(path)
        return folder.pixels, list(folder.names), None
    images = open_image_set(path)
    names = [str(record["source"]) for record in read_jsonl(path / "images.jsonl")]
    return as_uint8(images.pixels), names, images.is_valid


def persons_of(names: Sequence[str], pattern: str) -> list[str]:
    """Return who is in each picture, or nothing where the names do not say it of all."""
    found = [re.search(pattern, name) for name in names]
    return [match.group() for match in found if match] if all(found) else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--face-api", type=Path, required=True)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--person", default=PERSON)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    judge = judge_of(arguments.face_api, arguments.faces, person=arguments.person)
    found: dict[str, Any] = {"extractor": NAME, "pictures": len(judge.set_ND)}
    if judge.faces:
        found["faces"] = judge.faces
    if arguments.samples:
        found["samples"] = judge.judge(pictures_of(arguments.samples))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
