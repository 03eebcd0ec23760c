"""Sets from Discord's, Slack's, Matrix's and Google Chat's exports, as folders and archives, found by looking."""

import json
import zipfile

import pytest

from aigc_cli.config.prepare_chat import CHAT_FORMATS, PrepareChatSettings
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers import test_discord as discord
from tests.data.chat.readers import test_googlechat as googlechat
from tests.data.chat.readers import test_matrix as matrix
from tests.data.chat.readers import test_slack as slack

COUNT = 20  # exchanges


def exchanges(said, tess, wren):
    """Return messages of an exchange every two minutes, as a platform has them."""
    for number in range(COUNT):
        yield said(2 * number, tess, f"question {number}")
        yield said(2 * number + 1, wren, f"answer {number}")


def discord_files():
    items = list(exchanges(lambda minute, *rest: discord.item(minute, *rest), "tess", "wren"))
    names = ["DM/Tess [77].json", "DM/Tess [77] [part 2].json"]
    return {name: discord.export(*items[20 * place :][:20]) for place, name in enumerate(names)}


def slack_files():
    items = list(exchanges(slack.said, slack.TESS, slack.WREN))
    return slack.exported(items)


def matrix_files():
    return {"matrix - Garden.json": json.dumps(matrix.room(*exchanges(matrix.said, matrix.TESS, matrix.WREN)))}


def googlechat_files():
    return googlechat.files_of({"messages": list(exchanges(googlechat.said, googlechat.TESS, googlechat.WREN))})


EXPORTS = {
    "discord": (discord_files, {}),
    "slack": (slack_files, {"me": "Wren Hale"}),
    "matrix": (matrix_files, {}),
    "googlechat": (googlechat_files, {}),
}


def written(files, folder):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(files, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def prepared(source, out, **settings):
    return prepare_chat([source], out, PrepareChatSettings(**settings), SilentProgress())


def said_in(out):
    lines = "".join((out / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("train", "valid")).splitlines()
    return [[turn["content"] for turn in json.loads(line)["messages"][1:]] for line in lines]


@pytest.mark.parametrize("name", EXPORTS)
def test_a_folder_and_an_archive_of_an_export_give_the_same_set(name, tmp_path):
    files, settings = EXPORTS[name][0](), EXPORTS[name][1]
    record = prepared(written(files, tmp_path / "export"), tmp_path / "a", **settings)
    assert record["formats"] == [name] and record["counts"]["messages"] == 2 * COUNT
    assert record["subject"].lower().startswith("wren")
    said = sorted(turn for turns in said_in(tmp_path / "a") for turn in turns)
    assert said == sorted([f"question {n}" for n in range(COUNT)] + [f"answer {n}" for n in range(COUNT)])
    again = prepared(zipped(files, tmp_path / "export.zip"), tmp_path / "b", **settings)
    assert again["counts"] == record["counts"] and said_in(tmp_path / "b") == said_in(tmp_path / "a")


def test_each_format_is_looked_for_once():
    assert len(CHAT_FORMATS) == len(set(CHAT_FORMATS)) and EXPORTS.keys() < set(CHAT_FORMATS)


def test_discords_data_package_is_refused_with_the_way_out(tmp_path):
    files = {"messages/c1/messages.json": discord.PACKAGE, "messages/index.json": '{"1": "Direct Message"}'}
    with pytest.raises(BadData, match="your own messages alone"):
        prepared(written(files, tmp_path / "package"), tmp_path / "set", me="Wren")


@pytest.mark.parametrize("pack", [written, zipped])
def test_chats_beside_one_in_parts_are_read_too(pack, tmp_path):
    other = discord.export(discord.item(1, "tess", "alone?"), discord.item(2, "wren", "yes"), channel="78")
    source = pack({**discord_files(), "DM/Other [78].json": other}, tmp_path / "export")
    record = prepared(source, tmp_path / "set", valid=0)
    assert record["counts"]["messages"] == 2 * COUNT + 2 and ["alone?", "yes"] in said_in(tmp_path / "set")


def test_a_channel_that_is_called_as_a_folder_of_attachments_is_read(tmp_path):
    files = {name.replace("general/", "media/"): content for name, content in slack_files().items()}
    files["channels.json"] = files["channels.json"].replace(b'"general"', b'"media"')
    record = prepared(written(files, tmp_path / "export"), tmp_path / "set", me="Wren Hale")
    assert record["counts"]["messages"] == 2 * COUNT and not record["passed_over"]
