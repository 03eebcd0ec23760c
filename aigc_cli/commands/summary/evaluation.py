"""What `aigc eval` says in the end: the few numbers that answer, each beside what it can be compared with."""

from collections.abc import Mapping
from typing import Any

from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.messages import tr

FAR, ALIKE = 1.5, 0.5  # times the floor's distance; share of the real spread
KNOWING = 1.5  # times chance: what a classifier must recognise of real pictures to judge others


def images_compared(record: Mapping[str, Any]) -> Summary:
    """Return the lines of `aigc.eval.images/1`: how near, against which floor, how varied, labels, what to do."""
    tag = f"[{record['extractor']['name']}]"
    metrics, floor, intervals = record["metrics"], record["floor"], record["intervals"]
    headline = tr(
        "{generated} beside {real}: {count} pictures, and {of} real ones",
        generated=record["generated"],
        real=record["real"],
        count=record["n_generated"],
        of=record["n_real"],
    )
    name = "frechet" + tag
    near = tr(
        "Fréchet distance {words} ({metric}; 0 is equal)",
        words=_with_interval(metrics, intervals, name, ".3g"),
        metric=name,
    )
    times = metrics[name] / floor[name] if floor[name] > 0 else 0.0
    reached = tr("{distance:.3g} between halves of the real pictures", distance=floor[name])
    if times > 1:
        reached = tr("{words}; this is {times:.1f} times as far", words=reached, times=times)
    spread = "spread" + tag
    varied = tr(
        "{share} of the real pictures' spread (halves: {floor:.0%})",
        share=_with_interval(metrics, intervals, spread, ".0%"),
        floor=floor[spread],
    )
    facts = [
        (tr("nearness"), near),
        (tr("floor"), reached),
        (tr("variety"), varied),
        (tr("labels"), _labels(record)),
        (tr("next"), _advice(record, times, metrics[spread])),
    ]
    return Summary(headline=headline, facts=facts)


def _labels(record: Mapping[str, Any]) -> str:
    labels = record.get("labels")
    if not labels:
        return ""
    real, chance = labels["classifier_accuracy"], labels["chance"]
    if real < KNOWING * chance:
        return tr(
            "the classifier knows too few of the real ones to tell: {real:.0%}, by chance {chance:.0%}",
            real=real,
            chance=chance,
        )
    low, high = labels["interval"]
    return tr(
        "{share:.0%} recognised as what was asked for ({low:.0%} to {high:.0%}); of real ones {real:.0%}, by chance "
        "{chance:.0%}",
        share=labels["recognised"],
        low=low,
        high=high,
        real=real,
        chance=chance,
    )


def _advice(record: Mapping[str, Any], times: float, spread: float) -> str:
    if record["n_generated"] < record["floor_n"]:
        return tr(
            "draw at least {count} pictures, as many as the floor's halves have: fewer look farther away",
            count=record["floor_n"],
        )
    if spread < ALIKE:
        return tr("look at them: they are much more alike than the real ones; train longer, or on more pictures")
    if times > FAR:
        return tr("train longer; aigc metrics RUN shows whether the distance still falls")
    return tr("look at them: by this measure they are about as near as real pictures are to each other")


def pairs_compared(record: Mapping[str, Any]) -> Summary:
    """Return the lines of `aigc.eval.pairs/1`."""
    ratio = "" if record["psnr_db"] is None else tr("{ratio:.1f} dB", ratio=record["psnr_db"])
    equal = tr("{count} of {of} pairs", count=record["equal_pairs"], of=record["n"]) if record["equal_pairs"] else ""
    alone = record["unpaired_a"] + record["unpaired_b"]
    return Summary(
        headline=tr("{a} beside {b}: {count} pairs of the same name", a=record["a"], b=record["b"], count=record["n"]),
        facts=[
            (tr("similarity"), tr("SSIM {ssim:.3f} (1 is equal)", ssim=record["ssim"])),
            (tr("noise"), tr("PSNR {ratio} where they differ", ratio=ratio) if ratio else ""),
            (tr("equal"), equal),
            (tr("left out"), tr("{count} pictures without a partner", count=alone) if alone else ""),
        ],
    )


def text_measured(record: Mapping[str, Any]) -> Summary:
    """Return the lines of `aigc.eval.text/1`: how well it foresees the person, and how its replies differ."""
    run = record["run"]
    headline = tr(
        "{run} on {data}: {bytes} bytes of the {split} part",
        run=run,
        data=record["data"],
        bytes=record["bytes"],
        split=record["split"],
    )
    low, high = record["bits_per_byte_interval"]
    foreseen = tr(
        "{bits:.2f} bits for a byte ({low:.2f} to {high:.2f}; 8 is blind guessing)",
        bits=record["bits_per_byte"],
        low=low,
        high=high,
    )
    facts = [(tr("surprise"), foreseen)]
    if "base" in record:
        words = tr(
            "{bits:.2f} bits for a byte; this is {share:.1%} less",
            bits=record["base_bits_per_byte"],
            share=record["reduction"],
        )
        facts.append((tr("base"), f"{record['base']}: {words}"))
    if "words_per_reply" not in record:
        return Summary(headline=headline, facts=facts, next_command=("aigc", "sample", run, "-n", "3"))
    return Summary(headline=headline, facts=[*facts, *_replies(record)], next_command=("aigc", "chat", run))


def _replies(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    replies = tr(
        "{count}: {empty:.0%} empty, {looping:.0%} repeat themselves, {ended:.0%} end by themselves",
        count=record["replies"],
        empty=record["empty_rate"],
        looping=record["looping_rate"],
        ended=record["end_of_turn_rate"],
    )
    length = tr(
        "{words:.1f} words a reply; the person {person:.1f}",
        words=record["words_per_reply"],
        person=record["person_words_per_reply"],
    )
    varied = tr(
        "{share:.0%} of the words are different ones; the person's {person:.0%}",
        share=record["distinct_1"],
        person=record["person_distinct_1"],
    )
    return [(tr("replies"), replies), (tr("length"), length), (tr("variety"), varied)]


def texts_compared(record: Mapping[str, Any]) -> Summary:
    """Return the lines of `aigc.eval.texts/1`: how varied, how repetitive, how much is copied."""
    pairs = {name: (record[name], record[f"reference_{name}"]) for name in ("distinct_1", "looping_rate", "empty_rate")}
    varied = tr(
        "{share:.0%} of the words are different ones; the person's {person:.0%}",
        share=pairs["distinct_1"][0],
        person=pairs["distinct_1"][1],
    )
    repeating = tr(
        "{share:.0%} repeat themselves, the person's {person:.0%}; {empty:.0%} are empty",
        share=pairs["looping_rate"][0],
        person=pairs["looping_rate"][1],
        empty=pairs["empty_rate"][0],
    )
    copied = tr(
        "{share:.0%} are texts of the person; the longest run of equal words has {words}",
        share=record["copied_rate"],
        words=record["longest_overlap_words"],
    )
    length = tr(
        "{words:.1f} words a text; the person {person:.1f}",
        words=record["words_per_text"],
        person=record["reference_words_per_text"],
    )
    headline = tr("{count} texts beside {of} of the person", count=record["texts"], of=record["reference_texts"])
    facts = [(tr("variety"), varied), (tr("repetition"), repeating), (tr("copies"), copied), (tr("length"), length)]
    return Summary(headline=headline, facts=facts)


def _with_interval(metrics: Mapping[str, float], intervals: Mapping[str, Any], name: str, form: str) -> str:
    value = format(metrics[name], form)
    if name not in intervals:
        return value
    low, high = (format(end, form) for end in intervals[name])
    return tr("{value} ({low} to {high})", value=value, low=low, high=high)
