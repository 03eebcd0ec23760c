"""An export or several of each format, of the readers' own tests: to tell apart, to damage, to count."""

import json
from collections.abc import Iterator

from tests.data.chat.readers import (
    test_assistants,
    test_chatlab,
    test_columns,
    test_discord,
    test_googlechat,
    test_imessage,
    test_kakaotalk,
    test_line,
    test_matrix,
    test_mbox,
    test_messenger,
    test_qq,
    test_screenplay,
    test_signal,
    test_signal_export,
    test_sigtop,
    test_slack,
    test_subtitles,
    test_wechat,
)
from tests.data.chat.readers.test_chat_telegram import full, message, single

Files = dict[str, bytes | str]

WHATSAPP = (
    "[31/12/20, 23:58:01] Ann: hi\n[31/12/20, 23:58:02] Bea: see you\nat the station\n"
    "[31/12/20, 23:59:00] Ann: \u200eimage omitted\n[01/01/21, 0:00:10] Bea: happy new year 🎉\n",
    "12/31/20, 11:58 PM - Messages and calls are end-to-end encrypted.\n12/31/20, 11:59 PM - Ann: hi\n"
    "1/1/21, 12:00 AM - Bea: <Media omitted>\n1/2/21, 9:10 AM - Ann: You there?\n1/2/21, 9:11 AM - Bea: yes\n",
)
SCRIPT = "Ann: hi\nBea: hello you\nAnn: how are you?\nand the cat?\n\nBea: fine\nAnn: good\n"
MESSAGES = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
SHAREGPT = {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]}


def _one(name: str, content: object) -> Files:
    if isinstance(content, bytes | str):
        return {name: content}
    return {name: json.dumps(content, ensure_ascii=False, indent=1)}


def samples() -> dict[str, list[Files]]:
    """Return exports by format, each the contents of its files by name."""
    talk = [message(1, "tess", "hi"), message(2, "wren", "hello", photo="x"), message(3, "tess", "", photo="x")]
    found: dict[str, list[Files]] = {
        "whatsapp": [_one("_chat.txt", text) for text in WHATSAPP],
        "telegram": [_one("result.json", single(*talk)), _one("result.json", full(single(*talk), owner="wren"))],
        "messages": [_one("x.jsonl", json.dumps(MESSAGES) + "\n" + json.dumps(MESSAGES)), _one("x.json", [MESSAGES])],
        "sharegpt": [_one("x.json", [SHAREGPT, SHAREGPT])],
        "script": [_one("talk.txt", SCRIPT)],
        "chatgpt": [_one("conversations.json", [test_assistants.TREE])],
        "claude": [_one("conversations.json", [test_assistants.THREAD])],
        "chatlab": [_one("x.json", test_chatlab.document()), _one("x.jsonl", test_chatlab.lines())],
        "discord": [
            _one("Tess.json", test_discord.MANY),
            _one("Tess.csv", test_discord.as_csv(*test_discord.MANY["messages"][:3])),
        ],
        "googlechat": [dict(test_googlechat.files_of(test_googlechat.MANY))],
        "imessage": [_one("+15550100.txt", test_imessage.EVENING), _one("x.txt", test_imessage.REPLIES)],
        "line": [_one("x.txt", test_line.JAPANESE), _one("x.txt", test_line.SPACES)],
        "matrix": [_one("export.json", test_matrix.MANY)],
        "mbox": [_one("All mail.mbox", test_mbox.BOX)],
        "messenger": [dict(_one("inbox/mara_1/message_1.json", test_messenger.SPOKEN))],
        "qq": [_one("x.json", test_qq.single()), dict(test_qq.chunked(test_qq.CHAT[:5], test_qq.CHAT[5:]))],
        "screenplay": [_one("shed.fountain", test_screenplay.PLAIN)],
        "signal": [_one("main.jsonl", test_signal.lines(*test_signal.ITEMS))],
        "signal_export": [_one("Ann/chat.md", test_signal_export.MARKDOWN)],
        "sigtop": [_one("x.txt", test_sigtop.TEXT)],
        "slack": [dict(test_slack.exported(test_slack.MANY))],
        "subtitles": [
            _one("x.srt", test_subtitles.SRT),
            _one("x.vtt", test_subtitles.VTT),
            _one("x.ass", test_subtitles.ASS),
        ],
        "wechat": [
            _one("x.csv", test_wechat.pywxdump()),
            _one("x.json", test_wechat.weflow()),
            _one("x.json", test_wechat.chatlog()),
        ],
        "kakaotalk": [_one("x.txt", test_kakaotalk.windows_korean()), _one("x.txt", test_kakaotalk.android_korean())],
        "columns": [_one("x.csv", test_columns.as_table(","))],
    }
    return found


def each() -> Iterator[tuple[str, Files]]:
    """Yield each format's exports."""
    for name, exports in samples().items():
        for files in exports:
            yield name, files
