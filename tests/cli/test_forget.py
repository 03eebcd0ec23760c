"""`aigc prepare forget` as a user runs it: what goes, what is printed, and what training says afterwards."""

import json
import shutil

import pytest


@pytest.fixture
def work(runs, tmp_path):
    """A chat set, a run on it, and its export, to be changed."""
    shutil.copytree(runs / "chat", tmp_path / "chat")
    shutil.copytree(runs / "gpt", tmp_path / "runs" / "gpt")
    shutil.copy(runs / "talk.txt", tmp_path)
    return tmp_path


def held(folder):
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.jsonl")))


def test_records_are_listed_forgotten_and_what_learned_them_is_trained_again(cli, work, small):
    forget = ("prepare", "forget", "chat", "--search", ".")
    refused = cli.refused(work, 2, *forget, "--who", "bob")
    assert "records of chat would go, for good (--dry-run lists them, --yes deletes them)" in refused
    *listed, report = cli.records(work, *forget, "--who", "bob", "--dry-run")
    assert {line["schema"] for line in listed} == {"aigc.forget.record/1"} and report["schema"] == "aigc.forget/1"
    assert report["records"] == len(listed) > 4
    assert listed[-1]["split"] == "valid"
    record = listed[-1]["record"]  # a preview goes on from what is held out
    said = (work / "chat" / "valid.jsonl").read_text().splitlines()[-1]
    question = json.loads(said)["messages"][1]["content"].split()[-1]
    assert question in held(work / "runs")
    [report] = cli.records(work, *forget, "--record", record, "--yes")
    assert (report["records"], report["left"]) == (1, {"train": len(listed) - 2, "valid": 1})
    assert report["train_again"] == ["runs/gpt"]
    assert {copy["kind"] for copy in report["cleaned"]} == {"preview"}
    assert [(copy["path"], copy["kind"]) for copy in report["still_holds"]] == [("talk.txt", "source")]
    assert question not in held(work)
    train = ("train-gpt", "chat", "-o", "runs/gpt", "--steps", "12", *small["scratch"])
    assert "the data was chat, is other data now" in cli.refused(work, 78, *train)
    assert cli.run(work, *train, "--resume", "restart").returncode == 0
    assert question not in held(work)
    [report] = cli.records(work, *forget, "--record", record)
    assert (report["unchanged"], report["train_again"]) == (True, [])
