"""Which real pictures a step gets: every one once an epoch, held-out ones never, and each with its own label."""

import torch

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.machine.distributed import World
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.pictures import RealPictures
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.gan.sides import Computing

CPU = torch.device("cpu")


def pictures_of(path, world=None, **changes):
    computing = Computing(CPU) if world is None else Computing(CPU, world=world)
    return RealPictures(open_image_set(path), TrainGanSettings(**{"batch_size": 6, **changes}), computing)


def known(path, *, valid):
    """Return the set's own pictures on one side of the split, as bytes, each with its label."""
    tensors = load_tensors(path / "pixels.safetensors")
    return {
        picture.numpy().tobytes(): int(label)
        for picture, label, held_out in zip(tensors["pixels"], tensors["labels"], tensors["valid"], strict=True)
        if bool(held_out) == valid
    }


def found(*batches):
    return [
        (picture.numpy().tobytes(), int(label))
        for pictures, labels in batches
        for picture, label in zip(to_uint8(pictures), labels, strict=True)
    ]


def test_every_epoch_shows_every_training_picture_once_with_its_label_and_no_held_out_one(image_set):
    real = pictures_of(image_set)
    first, second = (found(*(real.batch(step) for step in steps)) for steps in (range(3), range(3, 6)))
    assert len(first) == 18
    assert dict(first) == dict(second) == known(image_set, valid=False)
    assert first != second
    assert found(pictures_of(image_set).batch(4)) == found(real.batch(4))


def test_held_out_pictures_are_the_others_in_order_or_drawn_for_a_step(image_set):
    real = pictures_of(image_set)
    held_out = known(image_set, valid=True)
    assert found(real.held_out(4)) == list(held_out.items())[:4]
    drawn = [found(real.held_out_batch(step)) for step in (7, 15)]
    assert dict(drawn[0]) == dict(drawn[1]) == held_out
    assert drawn[0] != drawn[1]


def test_two_processes_share_a_batch(image_set):
    whole, *halves = (pictures_of(image_set, world) for world in (None, World(0, 2), World(1, 2)))
    for name in ("batch", "held_out_batch"):
        shares = [getattr(half, name)(1) for half in halves]
        assert found(*shares) == found(getattr(whole, name)(1))
    assert len(found(halves[0].batch(1))) == 3


def test_labels_that_are_not_used_are_not_there(image_set):
    assert pictures_of(image_set).label_names == ("dark", "light")
    real = pictures_of(image_set, labels=False)
    assert real.label_names == ()
    assert [labels for _, labels in (real.batch(0), real.held_out(2), real.held_out_batch(0))] == [None] * 3
