"""How the two sides of a GAN stand: what the critic gets right of seen, held-out and generated pictures.

Numbers from logits alone, and words for them. Knows no networks.
"""

from collections.abc import Mapping

from torch import Tensor

from aigc_cli.core.words.messages import tr

COLLAPSED_SPREAD = 0.3
COLLAPSED_WITHIN, SHARE_WITHIN = 0.5, 0.75  # CIFAR-10 with each class a picture or two: .4 of a whole .7 to .9
FALLEN_SPREAD, FALLEN_SHARE = 0.1, 0.25  # that low, and that little of what it had been, is no dip
CRITIC_AHEAD = 0.9
GENERATOR_AHEAD = 0.55


def critic_accuracy(real_B: Tensor, generated_B: Tensor, *, divide: float | None) -> Tensor:
    """Return the share that the critic gets right: of pairs their order (no `divide`), else of pictures the side."""
    if divide is None:
        return (real_B > generated_B).float().mean()
    return 0.5 * ((real_B > divide).float().mean() + (generated_B < divide).float().mean())


def standing(train_B: Tensor, valid_B: Tensor, generated_B: Tensor, *, divide: float | None) -> dict[str, float]:
    """Return the critic's accuracy on training, held-out and generated pictures, and its overfitting.

    `divide` is the logit between real and generated pictures; it is None where only differences of logits mean
    anything, and the midpoint between training and generated pictures divides. Overfitting is
    (D(train) - D(held-out)) / (D(train) - D(generated)), means of logits: 0 where the critic treats held-out
    pictures as training ones, 1 where it takes them for generated (Karras et al. 2020, arXiv:2006.06676, eq. 1).
    The held-out numbers are left out where nothing is held out.
    """
    train, generated = float(train_B.mean()), float(generated_B.mean())
    divide = (train + generated) / 2 if divide is None else divide
    numbers = {
        "critic_accuracy_train": float((train_B > divide).float().mean()),
        "critic_accuracy_generated": float((generated_B <= divide).float().mean()),
    }
    if len(valid_B):
        numbers["critic_accuracy_valid"] = float((valid_B > divide).float().mean())
        gap = train - generated
        numbers["overfitting"] = (train - float(valid_B.mean())) / gap if gap > 0 else 0.0
    return numbers


def balance_in_words(metrics: Mapping[str, float]) -> str:
    """Say who is ahead, and a collapse, from logged metrics; "" where there are none yet."""
    words = []
    if "critic_accuracy" in metrics:
        accuracy = metrics["critic_accuracy"]
        who = tr("critic ahead") if accuracy > CRITIC_AHEAD else tr("balanced")
        who = tr("generator ahead") if accuracy < GENERATOR_AHEAD else who
        words.append(tr("{who} (critic {accuracy:.0%})", who=who, accuracy=accuracy))
    if metrics.get("spread", 1.0) < COLLAPSED_SPREAD:
        words.append(tr("collapsed: spread {spread:.2f} of the real pictures'", spread=metrics["spread"]))
    elif metrics.get("spread_within", 1.0) < min(COLLAPSED_WITHIN, SHARE_WITHIN * metrics.get("spread", 1.0)):
        words.append(tr("labels collapsed: spread {spread:.2f} within them", spread=metrics["spread_within"]))
    return ", ".join(words)


def collapse_in_words(spread: float, widest: float) -> str:
    """Say that the samples have become all alike: their spread is next to nothing and was `widest` before; else ""."""
    if spread < FALLEN_SPREAD and spread < FALLEN_SHARE * widest:
        return tr(
            "the samples have become alike: their spread fell from {widest:.2f} to {spread:.2f} of the real pictures'",
            widest=widest,
            spread=spread,
        )
    return ""
