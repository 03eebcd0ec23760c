"""Time and peak memory of `aigc prepare chat` on large chat logs, made here: Telegram, WhatsApp, or both.

    python benchmarks/prepare_chat.py [--messages 1000000] [--chats 40] [--only telegram|whatsapp] [--keep DIR]

Writes each log (English, Chinese, emoji; a fiftieth with personal data, a fiftieth pictures), prepares it in a process
of its own, and prints a JSON line: bytes of the log, seconds, peak memory, messages a second, and whether every message
is accounted for.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

START = 1_500_000_000  # seconds since 1970
WORDS = """
yes no maybe later tonight the train is late again did you see it what a day i am on my way home bring bread please
call me when you are there thanks 好的 明天见 在路上了 吃饭了吗 哈哈 🙂 🚲 ok see you
""".split()  # noqa: SIM905 - a list of forty is not read more easily
SECRETS = (
    "07700 900123",
    "write to ann@example.org",
    "电话13812345678",
    "https://example.org/x?y=1",
    "卡号 4111 1111 1111 1111",
)


def said(rng: random.Random) -> str:
    """Return the words of a message."""
    words = " ".join(rng.choices(WORDS, k=rng.choice((1, 2, 3, 5, 8, 13, 21))))
    return f"{words} {rng.choice(SECRETS)}" if rng.random() < 0.02 else words


def sent(rng: random.Random, count: int) -> Iterator[tuple[int, bool, str]]:
    """Yield (time, whether the subject wrote it, words) of a chat's messages."""
    at, mine = START, False
    for _ in range(count):
        at += rng.choice((5, 20, 40, 90, 300, 20000))
        mine = mine if rng.random() < 0.3 else not mine
        yield at, mine, said(rng)


def write_telegram(path: Path, messages: int, chats: int) -> None:
    """Write the export of an account."""
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"about": "x", "personal_information": {"user_id": 1}, "chats": {"about": "x", "list": [\n')
        for chat in range(chats):
            head = {"name": f"Friend {chat}", "type": "personal_chat", "id": 100 + chat}
            file.write(("," if chat else "") + json.dumps(head)[:-1] + ', "messages": [\n')
            for number, (at, mine, words) in enumerate(sent(rng, messages // chats)):
                sender = ("Wren", 1) if mine else (f"Friend {chat}", 100 + chat)
                item = {
                    "id": number,
                    "type": "message",
                    "date": datetime.fromtimestamp(at, UTC).isoformat().removesuffix("+00:00"),
                    "date_unixtime": str(at),
                    "from": sender[0],
                    "from_id": f"user{sender[1]}",
                    "text": words,
                    "text_entities": [{"type": "plain", "text": words}],
                }
                if not number % 50:
                    item |= {"text": "", "text_entities": [], "photo": "(File not included)"}
                file.write(("," if number else "") + json.dumps(item, ensure_ascii=False, indent=1) + "\n")
            file.write("]}\n")
        file.write("]}}\n")


def write_whatsapp(path: Path, messages: int, _: int) -> None:
    """Write the export of one chat."""
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number, (at, mine, words) in enumerate(sent(rng, messages)):
            when = datetime.fromtimestamp(START + (at - START) // 4, UTC)
            words = "<Media omitted>" if not number % 50 else words
            words = words.replace(" ok ", "\n") if not number % 20 else words
            file.write(f"{when:%d/%m/%Y, %H:%M} - {'Wren' if mine else 'Ann'}: {words}\n")


WRITE = {"telegram": write_telegram, "whatsapp": write_whatsapp}
PREPARE = """
import json, sys
from pathlib import Path
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.machine.platform import peak_memory
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
record = prepare_chat([sys.argv[1]], Path(sys.argv[2]), PrepareChatSettings(me="Wren"), SilentProgress())
counts = record["counts"]
whole = counts["read"] == counts["turns"] + counts["merged"] + sum(record["dropped"].values())
print(json.dumps({"read": counts["read"], "accounted": whole, "records": counts["train"] + counts["valid"],
                  "redacted": record["redacted"], "peak_mb": round(peak_memory() / 1e6)}))
"""


def main() -> None:
    """Write, prepare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--chats", type=int, default=40)
    parser.add_argument("--only", choices=sorted(WRITE))
    parser.add_argument("--keep", type=Path, help="leave the logs in this folder")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = told.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in [told.only] if told.only else sorted(WRITE):
            log = folder / {"telegram": "result.json", "whatsapp": "_chat.txt"}[name]
            if not log.exists():
                WRITE[name](log, told.messages, told.chats)
            started = time.perf_counter()
            words = [sys.executable, "-c", PREPARE, str(log), str(Path(scratch) / name)]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            seconds = time.perf_counter() - started
            told_of = json.loads(done.stdout)
            rate = round(told_of["read"] / seconds)
            print(
                json.dumps(
                    {
                        "log": name,
                        "bytes": log.stat().st_size,
                        "seconds": round(seconds, 1),
                        "a_second": rate,
                        **told_of,
                    }
                )
            )


if __name__ == "__main__":
    main()
