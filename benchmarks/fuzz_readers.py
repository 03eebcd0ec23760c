"""Damages exports of every chat format at random, reads them, and tells what came of it.

    python benchmarks/fuzz_readers.py [--seconds 120] [--only line,qq] [--seed 0]

For each format its exports in the tests are changed, for that long: values of other types, keys and pieces that are
missing or there twice, cut files, flipped bytes, foreign characters. Each is looked at and read, as found and as
told. A reading ends in messages, or in an error of ours; anything else, or one that takes seconds, is a finding: it is
printed as a JSON line with the export, and the exit status is 1. At the end comes a line a format: exports, seconds,
how many were read, how many refused.
"""

import argparse
import json
import random
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from aigc_cli.config.prepare_chat import CHAT_FORMATS
from aigc_cli.core.errors import AigcError
from aigc_cli.data.chat.detect import open_log
from aigc_cli.data.chat.reader import ReadOptions
from tests.data.chat.readers.driving import export_of
from tests.data.chat.readers.mutating import JUNK, broken, mutated
from tests.data.chat.readers.samples import samples

SLOW = 5.0  # seconds for one small export
COLUMNS = {"time": "Date", "sender": "Author", "text": "Content"}
ODD = ["\u200e", "\u202f", "\u2028", "\x00", "\x85", "\r", "\u202e", "\t", "：", "[", "]", " - ", ", ", "{", '"', "<"]
ODD += ["9" * 40, "é", "上午", "&#x41;"]


def damaged(files: dict[str, bytes | str], rng: random.Random) -> Iterator[dict[str, bytes]]:
    """Yield exports without end, each with one file changed."""
    whole = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    while True:
        name = rng.choice(sorted(whole))
        yield {**whole, name: _changed(whole[name], rng)}


def _changed(data: bytes, rng: random.Random) -> bytes:
    way = rng.random()
    if way < 0.4:
        text = data.decode(errors="replace")
        changed = _changed_json(text, rng)
        if changed is not None:
            return changed.encode(errors="surrogatepass")
    if way < 0.7 and data:
        return next(broken(data, 1, seed=rng.getrandbits(32)))
    lines = data.decode(errors="replace").split("\n")
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(lines))
        line = lines[place]
        at = rng.randrange(len(line) + 1)
        change = rng.random()
        if change < 0.4:
            lines[place] = (
                line[:at] + rng.choice(ODD) * rng.choice((1, 1, 1, 3, 2000)) + line[at + rng.choice((0, 1, 5)) :]
            )
        elif change < 0.6:
            lines.insert(place, rng.choice(lines))
        elif change < 0.8:
            del lines[place]
            lines = lines or [""]
        else:
            lines[place] = line[at:] + line[:at]
    return "\n".join(lines).encode(errors="surrogatepass")


def _changed_json(text: str, rng: random.Random) -> str | None:
    """Return JSON, or JSON lines, with a value changed; None where it is none."""
    seed = rng.getrandbits(32)
    try:
        return json.dumps(next(mutated(json.loads(text), 1, seed=seed)))
    except ValueError:
        pass
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except ValueError:
        return None
    lines[place] = json.dumps(
        next(mutated(value, 1, seed=seed)) if isinstance(value, dict | list) else rng.choice(JUNK)
    )
    return "\n".join(lines)


def read(files: dict[str, bytes], format_name: str) -> str:
    """Return "read" or "refused"."""
    options = ReadOptions(
        is_told=format_name != "auto", dates="dmy", columns=COLUMNS if format_name == "columns" else {}
    )
    try:
        log, messages = open_log(export_of(files), format_name, options)
        for message in messages:
            assert not message.text or message.sender in log.names, "a sender without a name"
            assert message.text or message.removed, "a message of nothing"
            assert message.time is None or abs(message.time) < 1e13, "a time out of range"
    except AigcError:
        return "refused"
    return "read"


def fuzz(name: str, seconds: float, seed: int) -> bool:
    """Damage and read a format's exports for that long; return whether nothing was found."""
    rng = random.Random(seed)
    streams = [damaged(files, rng) for files in samples()[name]]
    counts = {"read": 0, "refused": 0}
    found: set[str] = set()
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        files = next(rng.choice(streams))
        format_name = rng.choice((name, name, "auto"))
        started = time.perf_counter()
        try:
            counts[read(files, format_name)] += 1
            problem = "slow" if time.perf_counter() - started > SLOW else ""
        except Exception:  # noqa: BLE001 - finding those is the point
            problem = "".join(traceback.format_exc().strip().splitlines(keepends=True)[-5:])
        if problem and problem not in found:
            found.add(problem)
            content = {path: data.decode(errors="backslashreplace")[:4000] for path, data in files.items()}
            print(json.dumps({"format": name, "as": format_name, "problem": problem, "files": content}), flush=True)
    print(
        json.dumps({"format": name, "seconds": round(time.perf_counter() - begun), **counts, "found": len(found)}),
        flush=True,
    )
    return not found


def main() -> None:
    """Fuzz the formats that are named, else all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--only", default=",".join(name for name in CHAT_FORMATS if name != "auto"))
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    clean = [fuzz(name, told.seconds, told.seed) for name in told.only.split(",")]
    sys.exit(0 if all(clean) else 1)


if __name__ == "__main__":
    main()
