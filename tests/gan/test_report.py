"""What a training of faces says and shows: words from metrics, the critic's standing, previews."""

import torch
from PIL import Image
from torch import nn

from aigc_cli.gan.report import critic_standing, progress_in_words, write_preview

NAMES = ("frechet[random_conv]", "near_training[random_conv]")


class Brightness(nn.Module):
    """A critic whose logit is a picture's mean; of whole groups of four only, as one with batch statistics."""

    def forward(self, pictures, labels=None):
        assert len(pictures) % 4 == 0
        return pictures.mean((1, 2, 3))


class Plain(nn.Module):
    """A generator of even pictures: as bright as the latent, and brighter by the label."""

    def forward(self, latents, labels=None):
        bright = latents[:, 0] if labels is None else latents[:, 0] + labels.float() / 4
        return bright[:, None, None, None].expand(-1, 3, 8, 8)


def even(*levels):
    return torch.tensor(levels)[:, None, None, None].expand(-1, 3, 8, 8)


def test_words_say_copies_and_the_resolution_of_a_growing_training():
    metrics = {NAMES[1]: 0.25, "augment_strength": 0.256}
    assert progress_in_words(metrics, *NAMES, 32) == "25% nearly copied, still at 32 px, augmentation 26%"
    assert progress_in_words({NAMES[1]: 0.02}, *NAMES, None) == ""


def test_a_critic_stands_by_what_lies_on_its_side_of_the_middle():
    real, held_out = even(1.0, 1.0, 1.0, -1.0), even(1.0, 1.0, -1.0, -1.0, 1.0)  # the last one fills no group
    latents = torch.tensor([[-1.0], [-1.0], [-1.0], [1.0]])
    critic, generator = Brightness(), Plain()
    numbers = critic_standing(critic, generator, (real, None), (held_out, None), latents, divide=0.0)
    assert numbers["critic_accuracy_train"] == numbers["critic_accuracy_generated"] == 0.75
    assert numbers["critic_accuracy_valid"] == 0.5
    assert numbers["overfitting"] == (0.5 - 0.0) / (0.5 + 0.5)
    assert critic.training and generator.training


def test_previews_have_a_row_a_label_and_are_animated(tmp_path):
    config = {"label_names": ["dark", "grey", "light"]}
    write_preview(tmp_path / "previews", 3, Plain(), config, torch.full((24, 1), -0.5), seed=0)
    path = write_preview(tmp_path / "previews", 7, Plain(), config, torch.zeros(24, 1), seed=0)
    assert path.endswith("previews/step-000007.png")
    with Image.open(path) as sheet:
        column = [sheet.convert("L").getpixel((6, row)) for row in range(6, sheet.height, 10)]
    assert column == sorted(column) and len(set(column)) == 3
    with Image.open(tmp_path / "previews" / "training.png") as animation:
        assert animation.n_frames == 2
