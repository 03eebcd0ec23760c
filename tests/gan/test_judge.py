from dataclasses import replace

import pytest
import torch
from torch import nn

from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.judge import Judge
from tests.gan.conftest import write_image_set

CPU = torch.device("cpu")


class Replay(nn.Module):
    """A generator that returns pictures of a set in order, whatever its latents."""

    z_dim = 2

    def __init__(self, pictures, labels=0):
        super().__init__()
        self.pictures, self.labels, self.at, self.asked = pictures, labels, 0, []

    def forward(self, z, labels=None):
        start, self.at = self.at, self.at + len(z)
        self.asked.append(labels)
        return self.pictures[start : self.at].float() / 127.5 - 1


def judge_of(path, count=24):
    images = open_image_set(path)
    return images, Judge(images, "random_conv", count, 0, CPU)


def test_the_set_itself_is_at_distance_zero_with_spread_one(image_set):
    images, judge = judge_of(image_set)
    scores = judge.scores(Replay(images.pixels))
    assert abs(scores[judge.objective]) < 1e-4
    assert abs(scores["spread"] - 1) < 1e-4


def test_one_picture_again_and_again_is_far_and_without_spread(image_set):
    images, judge = judge_of(image_set)
    same = judge.scores(Replay(images.pixels))
    collapsed = judge.scores(Replay(images.pixels[:1].expand(24, -1, -1, -1)))
    assert collapsed["spread"] < 1e-6
    assert collapsed[judge.objective] > same[judge.objective] + 0.1


def test_labels_are_asked_for_in_turn(image_set):
    images, judge = judge_of(image_set)
    replay = Replay(images.pixels, labels=3)
    judge.scores(replay)
    assert torch.cat(replay.asked).tolist() == [index % 3 for index in range(24)]


def test_a_label_that_is_one_picture_is_seen_though_the_labels_differ(image_set):
    images, judge = judge_of(image_set)
    of_label = [images.pixels[images.labels == label] for label in range(2)]
    varied = torch.stack([of_label[index % 2][index // 2] for index in range(24)])
    assert judge.scores(Replay(varied, labels=2))["spread_within"] == pytest.approx(1)
    alike = torch.stack([of_label[index % 2][0] for index in range(24)])
    scores = judge.scores(Replay(alike, labels=2))
    assert scores["spread_within"] < 1e-6 < 0.1 < scores["spread"]
    assert "spread_within" not in judge.scores(Replay(alike))  # a training that leaves the labels out


def test_grey_pictures_are_judged_too(tmp_path):
    images, judge = judge_of(write_image_set(tmp_path / "grey", channels=1))
    assert abs(judge.scores(Replay(images.pixels))["spread"] - 1) < 1e-4


def test_copies_of_training_pictures_and_their_mirror_images_are_found(image_set):
    """The set itself: its 18 training pictures are copies, and the nearest held-out one is as near as itself."""
    images, judge = judge_of(image_set)
    assert judge.scores(Replay(images.pixels))[judge.nearness] == pytest.approx(19 / 24)
    assert judge_of(image_set)[1].scores(Replay(images.pixels.flip(3)))[judge.nearness] >= 0.75
    new = (images.pixels.int() + 60).clamp(0, 255).to(torch.uint8)
    assert judge.scores(Replay(new))[judge.nearness] < 0.2


def test_without_held_out_pictures_nothing_is_said_of_copies(image_set):
    images = open_image_set(image_set)
    whole = replace(images, is_valid=torch.zeros_like(images.is_valid))
    judge = Judge(whole, "random_conv", 24, 0, CPU)
    assert judge.nearness not in judge.scores(Replay(images.pixels))
