"""The GAN-test: the share of generated pictures that a classifier of real ones recognises as what was asked for.

A small convolutional network learns the labels of the real set, its accuracy on held-out real pictures is stated, and
then it reads the generated ones (Shmelkov et al. 2018, arXiv:1807.09499). Knows nothing of where pictures come from.

Suffixes: N pictures, B batch, C channels, H height, W width.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.seeding import derived_seed, stream
from aigc_cli.core.words.messages import tr
from aigc_cli.measure.features import as_rgb
from aigc_cli.measure.intervals import wilson_interval

SIDE = 32
EPOCHS = 5
BATCH_SIZE = 64
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.05
SHIFT = 2
MIN_HELD_OUT = 10


def label_network(label_count: int, seed: int) -> nn.Sequential:
    """Return the untrained classifier of (B, 3, 32, 32) pictures; weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "label network"))
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((3, 24, 1), (24, 48, 2), (48, 96, 2), (96, 128, 2)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * (SIDE // 8) ** 2, label_count))
        return network.to(memory_format=torch.channels_last)


def train_classifier(
    pixels_NCHW: Tensor, labels_N: Tensor, label_count: int, *, seed: int, progress: Progress
) -> nn.Sequential:
    """Train the classifier on uint8 pictures (AdamW, one cycle, mirrored and shifted copies); returned in eval mode."""
    images, network = normalised(pixels_NCHW), label_network(label_count, seed)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    starts = [
        (epoch, start) for epoch in range(EPOCHS) for start in range(0, max(1, len(images) - 1), BATCH_SIZE)
    ]  # a last batch of one picture, which batch normalisation cannot use, is left out
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=len(starts))
    progress.stage(tr("learning the real labels"), len(starts), tr("steps"))
    order = torch.arange(len(images))
    for step, (epoch, start) in enumerate(starts):
        if start == 0:
            order = torch.randperm(len(images), generator=stream(seed, "label order", epoch))
        rows = order[start : start + BATCH_SIZE]
        batch = _augmented(images[rows], stream(seed, "label augmentation", step))
        loss = F.cross_entropy(network(batch), labels_N[rows], label_smoothing=0.05)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        progress.advance()
    progress.close()
    return network.eval()


@torch.inference_mode()
def predict(network: nn.Module, pixels_NCHW: Tensor) -> Tensor:
    """Return the predicted label index of each uint8 picture, (N,)."""
    images = normalised(pixels_NCHW)
    parts = [network(images[start : start + 256]).argmax(1) for start in range(0, len(images), 256)]
    return torch.cat(parts)


def normalised(pixels_NCHW: Tensor) -> Tensor:
    """Return float pictures in [-1, 1], RGB, 32 x 32 (bilinear, antialiased)."""
    images = as_rgb(pixels_NCHW).float() / 127.5 - 1
    if images.shape[-2:] == (SIDE, SIDE):
        return images
    return F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def recognised_labels(
    real: tuple[Tensor, Tensor, Tensor],
    generated: tuple[Tensor, Tensor],
    label_names: tuple[str, ...],
    *,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return the GAN-test's record.

    `real` is (pixels, labels, is_valid), `generated` (pixels, asked-for labels). The share recognised comes with its
    Wilson 95 % interval, the chance level, and the classifier's accuracy on held-out real pictures, which is what a
    perfect generator could reach.
    """
    pixels, labels, is_valid = real
    if int(is_valid.sum()) < MIN_HELD_OUT:
        raise BadData(
            tr(
                "{count} held-out pictures; the classifier needs {needed}",
                count=int(is_valid.sum()),
                needed=MIN_HELD_OUT,
            ),
            tr("--no-labels"),
        )
    if len(label_names) < 2:
        raise BadData(tr("recognising labels needs at least two of them"), tr("--no-labels"))
    network = train_classifier(pixels[~is_valid], labels[~is_valid], len(label_names), seed=seed, progress=progress)
    held_out = (predict(network, pixels[is_valid]) == labels[is_valid]).double().mean()
    asked = generated[1]
    is_right = predict(network, generated[0]) == asked
    right, count = int(is_right.sum()), len(asked)
    return {
        "recognised": right / count,
        "interval": list(wilson_interval(right, count)),
        "n": count,
        "chance": 1 / len(label_names),
        "classifier_accuracy": float(held_out),
        "classifier_n_valid": int(is_valid.sum()),
        "per_label": {
            name: float(is_right[asked == index].double().mean())
            for index, name in enumerate(label_names)
            if bool((asked == index).any())
        },
    }


def _augmented(images_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the batch and shift it by up to two pixels, edges repeated."""
    flip = torch.rand(len(images_BCHW), generator=generator) < 0.5
    images = torch.where(flip[:, None, None, None], images_BCHW.flip(3), images_BCHW)
    x, y = torch.randint(0, 2 * SHIFT + 1, (2,), generator=generator).tolist()
    padded = F.pad(images, (SHIFT,) * 4, mode="replicate")
    return padded[:, :, y : y + images.shape[2], x : x + images.shape[3]]
