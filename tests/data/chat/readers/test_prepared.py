"""Each of the texts and tables is found by looking, or by its columns, and becomes a set: nothing of it is lost."""

import json
from collections import Counter

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers.test_kakaotalk import android_korean, macos, windows_english

LINE = "[LINE] 花とのトーク履歴\n保存日時：2021/01/05 12:00\n\n2021/01/02(土)\n09:05\t花\tどこ？\n"
LINE += '09:06\t太郎\t"家\nだよ"\n'
SRT = "1\n00:00:01,000 --> 00:00:02,000\nANN: Where?\n\n2\n00:00:02,500 --> 00:00:03,000\nBO: Here.\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Where?\n\n00:02.500 --> 00:03.000\n<v Bo>Here.\n"
ASS = (
    "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,X,Ann,0,0,0,,Where?\n"
    "Dialogue: 0,0:00:02.50,0:00:03.00,X,Bo,0,0,0,,Here.\n"
)
SCREENPLAY = "INT. SHED\n\nANN\nWhere?\n\nBO\nHere.\n\nANN\nReally?\n\nBO\nYes.\n"
CSV = "Date,Who,What\n2021-01-02 10:00,Ann,Where?\n2021-01-02 10:01,Bo,Here.\n"
JSONL = '{"at": 1609599845, "who": "Ann", "what": "Where?"}\n{"at": 1609599846, "who": "Bo", "what": "Here."}\n'
SOURCES = {
    "line": (LINE, {"me": "太郎"}, ["どこ？", "家 だよ"]),
    "kakaotalk": (windows_english(), {"me": "나"}, ["김하늘: 새해 복 많이 받아 : )", "너도! - 하나, 둘 셋"]),
    "kakaotalk of a telephone": (android_korean(), {}, ["김하늘: 새해 복 많이 받아 : )", "너도! - 하나, 둘 셋"]),
    "kakaotalk of macOS": (macos(), {"me": "나"}, ["김하늘: 새해 복 많이 받아 : )", "너도! - 하나, 둘 셋"]),
    "subtitles": (SRT, {"me": "BO"}, ["Where?", "Here."]),
    "subtitles of the web": (VTT, {"me": "Bo"}, ["Where?", "Here."]),
    "subtitles with styles": (ASS, {"me": "Bo"}, ["Where?", "Here."]),
    "screenplay": (SCREENPLAY, {"me": "BO"}, ["Where?", "Here."]),
    "columns": (CSV, {"me": "Bo", "columns": "time=Date,sender=Who,text=What"}, ["Where?", "Here."]),
    "columns of JSON": (JSONL, {"me": "Bo", "columns": "time=at,sender=who,text=what"}, ["Where?", "Here."]),
}


def prepare(path, out, **settings):
    return prepare_chat([path], out, PrepareChatSettings(valid=0, **settings), SilentProgress())


@pytest.mark.parametrize("source", SOURCES)
def test_it_becomes_a_set(source, tmp_path):
    text, settings, said = SOURCES[source]
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    record = prepare(path, tmp_path / "set", **settings)
    first = json.loads((tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8").split("\n")[0])
    spoken = [turn["content"] for turn in first["messages"] if turn["role"] != "system"]
    assert spoken[:2] == said
    counts = record["counts"]
    assert counts["read"] == counts["turns"] + counts["merged"] + Counter(record["dropped"]).total()


@pytest.mark.parametrize("format_name", ["whatsapp", "script"])
def test_columns_are_of_tables(format_name, tmp_path):
    path = tmp_path / "log"
    path.write_text(CSV, encoding="utf-8")
    with pytest.raises(UsageProblem, match="--columns is for tables"):
        prepare(path, tmp_path / "set", columns="sender=Who,text=What", format=format_name)


def test_a_table_without_columns_is_asked_for(tmp_path):
    path = tmp_path / "log"
    path.write_text(CSV, encoding="utf-8")
    with pytest.raises(UsageProblem, match="which of its columns"):
        prepare(path, tmp_path / "set", format="columns")
