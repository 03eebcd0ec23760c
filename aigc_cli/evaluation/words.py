"""Numbers on texts as sequences of words: how varied, how repetitive, how much of them is another text's.

A word is what stands between spaces, in lower case; where words are not spaced (Chinese, Japanese) it is a character.
Imports nothing heavy. Knows nothing of models or files.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

DISTINCT_WORDS = 500
LOOP_TIMES, LOOP_WORDS, LOOP_SPAN = 3, 6, 12
BLEU_ORDER = 4
Gram = tuple[str, ...]
# From CJK punctuation (its space left out) to the unified ideographs, and full-width forms: each is a word; else what
# spaces separate.
_UNSPACED = r"\u3001-\u9fff\uff00-\uffef"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """Return words; where words are not spaced (Chinese, Japanese), characters, and what stands between them."""
    return _WORDS.findall(text.lower())


def grams(words: Sequence[str], n: int) -> list[Gram]:
    """Return the n-grams of a text, in order."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float:
    """Return different n-grams / n-grams among the first 500 words of all texts together (Li et al. 2016).

    The fixed number of words makes it comparable: longer samples repeat more. n-grams do not cross texts.
    """
    found: list[Gram] = []
    left = DISTINCT_WORDS
    for text in texts:
        words = words_of(text)[:left]
        left -= len(words)
        found += grams(words, n)
    return len(set(found)) / len(found) if found else 0.0


def repetition(text: str, n: int = 4) -> float:
    """Return the share of a text's n-grams that occurred before in it."""
    found = grams(words_of(text), n)
    return 1.0 - len(set(found)) / len(found) if found else 0.0


def loops(text: str) -> bool:
    """Say whether a text is stuck: up to 12 words said three times running, six words or more in all."""
    words = words_of(text)
    for span in range(1, min(LOOP_SPAN, len(words) // LOOP_TIMES) + 1):
        times = max(LOOP_TIMES, -(-LOOP_WORDS // span))
        for start in range(len(words) - times * span + 1):
            unit = words[start : start + span]
            if all(words[start + k * span : start + (k + 1) * span] == unit for k in range(1, times)):
                return True
    return False


def self_bleu(texts: Sequence[str]) -> float:
    """Return the mean BLEU-4 of each text against all the others (Zhu et al. 2018): low is varied, 1 is all alike.

    BLEU as Papineni et al. 2002 define it, unsmoothed, over the orders that a text is long enough for; a text without
    words is left out. 0 for fewer than two texts. Linear in the number of words.
    """
    split = [words for words in map(words_of, texts) if words]
    if len(split) < 2:
        return 0.0
    logs = [0.0] * len(split)
    for n in range(1, BLEU_ORDER + 1):
        counts = [Counter(grams(words, n)) for words in split]
        first, second = _two_largest(counts)
        for i, own in enumerate(counts):
            matched = 0
            for gram, count in own.items():
                holder, most = first[gram]
                matched += min(count, second.get(gram, 0) if holder == i else most)
            total = sum(own.values())
            if total:
                orders = min(BLEU_ORDER, len(split[i]))
                logs[i] += math.log(matched / total) / orders if matched else -math.inf
    lengths = sorted(map(len, split))
    return sum(math.exp(log + _brevity(len(words), lengths)) for log, words in zip(logs, split, strict=True)) / len(
        split
    )


def _two_largest(counts: Sequence[Counter[Gram]]) -> tuple[dict[Gram, tuple[int, int]], dict[Gram, int]]:
    """Return, for each n-gram, who has it most often and how often, and how often the next has it."""
    first: dict[Gram, tuple[int, int]] = {}
    second: dict[Gram, int] = {}
    for i, own in enumerate(counts):
        for gram, count in own.items():
            most = first.get(gram, (-1, 0))[1]
            if count > most:
                first[gram], second[gram] = (i, count), most
            else:
                second[gram] = max(second.get(gram, 0), count)
    return first, second


def _brevity(length: int, lengths: Sequence[int]) -> float:
    """Return the logarithm of BLEU's brevity penalty against the closest length among the other texts."""
    others = list(lengths)
    others.remove(length)
    closest = min(others, key=lambda other: (abs(other - length), other))
    return min(0.0, 1.0 - closest / length)


def overlap(texts: Sequence[str], reference: Sequence[str], n: int) -> float:
    """Return the share of the texts' n-grams that stand word for word in one of the reference's texts."""
    known = {gram for text in reference for gram in grams(words_of(text), n)}
    found = [gram for text in texts for gram in grams(words_of(text), n)]
    return sum(gram in known for gram in found) / len(found) if found else 0.0


def longest_overlap(texts: Sequence[str], reference: Sequence[str]) -> int:
    """Return the words of the longest stretch of any text that stands word for word in one of the reference's texts."""
    longest, split, known_texts = 0, [words_of(text) for text in texts], [words_of(text) for text in reference]
    high = max(map(len, split), default=0)
    while longest < high:  # a stretch of n words holds one of n - 1, so the length can be halved in
        n = (longest + high + 1) // 2
        known = {gram for words in known_texts for gram in grams(words, n)}
        if any(gram in known for words in split for gram in grams(words, n)):
            longest = n
        else:
            high = n - 1
    return longest
