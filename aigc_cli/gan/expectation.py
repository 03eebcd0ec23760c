"""What a training of some length is likely to end with, in words. Knows no networks.

The numbers are from trainings on 4,096 drawn faces of 32 and 64 pixels that were looked at (`benchmarks/RESULTS.md`),
so nothing is said of larger pictures, other architectures, or a training that begins with another's weights.
"""

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.words.messages import tr

LARGEST_SIZE = 64
# Up to how many pictures shown (a picture counts each time) the shapes are rough, and up to how many there are blotches
OWN_CRITIC_ALONE = (8_000, 50_000)
WITH_PRETRAINED_FEATURES = (3_000, 12_000)


def expectation_in_words(settings: TrainGanSettings, size: int, images: int) -> str:
    """Say what a training on so many pictures is likely to end with; "" where nothing like it was measured."""
    if settings.arch != "style" or settings.init is not None or size > LARGEST_SIZE:
        return ""
    rough, blotched = WITH_PRETRAINED_FEATURES if settings.projected else OWN_CRITIC_ALONE
    if images <= rough:
        return tr("expect rough shapes in the end (measured on drawn faces)")
    if images <= blotched:
        return tr("expect recognisable pictures with blotches in the end (measured on drawn faces)")
    return tr("expect clear pictures with smudged details in the end (measured on drawn faces)")
