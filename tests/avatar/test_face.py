import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from aigc_cli.avatar.face import draw_face, face_expressions
from aigc_cli.core.disk.provenance import read_png_label
from aigc_cli.core.errors import BadData, NoInput


class Painter:
    """A small legitimate sampler: red is the label's number, green and blue tell the latent."""

    z_dim = 4

    def __init__(self, label_names=(), channels=3):
        self.label_names = label_names
        self.channels = channels

    def draw(self, z_BD, label_B, truncation):
        red_B = torch.zeros(len(z_BD)) if label_B is None else label_B * 50
        z_BD = z_BD * truncation
        colours_BC = torch.stack([red_B, *(z_BD[:, :2].abs() * 50).T], 1)[:, : self.channels]
        return colours_BC.to(torch.uint8)[:, :, None, None].expand(-1, -1, 6, 5)


def pixels(png):
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture)


def test_every_expression_is_one_identity():
    names = ("smile", "sad", "angry")
    face = draw_face(Painter(names), 7, 1.0, "ab")
    assert tuple(face.pictures) == names
    shown = np.stack([pixels(face.picture(name)) for name in names])
    assert shown.shape == (3, 6, 5, 3)
    assert shown[:, 0, 0, 0].tolist() == [0, 50, 100]
    assert (shown[..., 1:] == shown[0, 0, 0, 1:]).all()


def test_the_seed_is_the_identity():
    first, again, other = (draw_face(Painter(("smile",)), seed, 1.0, "ab").picture("smile") for seed in (1, 1, 2))
    assert first == again != other


def test_truncation_reaches_the_sampler_and_keeps_the_identity():
    whole, half = (pixels(draw_face(Painter(("sad",)), 5, share, "ab").picture("sad")) for share in (1.0, 0.5))
    assert np.abs(whole[0, 0, 1:].astype(int) - 2 * half[0, 0, 1:]).max() <= 1


def test_pictures_carry_the_label_and_say_where_they_come_from():
    label = read_png_label(draw_face(Painter(("笑", "sad")), 3, 1.0, "0123abcd").picture("笑"))["AIGC"]
    assert label["ProduceID"] == "0123abcd.identity-3.0"


def test_a_face_without_labels_or_colours_is_always_the_same():
    face = draw_face(Painter((), channels=1), 1, 1.0, "ab")
    assert face.picture("smile") == face.picture("sad")
    assert pixels(face.picture("")).shape == (6, 5)


def write_run(folder, kind="face", config=None):
    (folder / "aigc.json").write_text(json.dumps({"schema": "aigc.run/1", "kind": kind}))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_expressions_come_from_the_files_alone(tmp_path):
    run = write_run(tmp_path, config={"label_names": ["happy", "sad"]})
    assert face_expressions(run).labels == ("happy", "sad")


@pytest.mark.parametrize(
    ("kind", "config", "error"),
    [
        ("text", {"label_names": []}, BadData),
        ("face", None, NoInput),
        ("face", {"label_names": "sad"}, BadData),
        ("face", {"label_names": [1]}, BadData),
        ("face", [], BadData),
    ],
)
def test_a_run_that_has_no_face_is_refused(tmp_path, kind, config, error):
    with pytest.raises(error):
        face_expressions(write_run(tmp_path, kind, config))
