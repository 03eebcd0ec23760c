"""Dates in -o, and what may be deleted by them: only what is dated, old, and the tool's own to the last file."""

import fcntl
import json
import os
from datetime import date, datetime
from pathlib import Path

import pytest

from aigc_cli.core.disk.dated import delete_written, old_siblings, resolve_output
from aigc_cli.core.errors import UsageProblem

NOW = datetime(2026, 3, 9, 7, 5, 1)
TODAY = NOW.date()


@pytest.mark.parametrize(
    ("text", "path", "pattern"),
    [
        ("nights/%Y-%m-%d", "nights/2026-03-09", "%Y-%m-%d"),
        ("n/faces-%Y%m%d.jsonl", "n/faces-20260309.jsonl", "faces-%Y%m%d.jsonl"),
        ("n/%Y/%j", "n/2026/068", ""),
        ("%G-W%V-%u", "2026-W11-1", "%G-W%V-%u"),
        ("hourly/%H", "hourly/07", ""),
        ("a/100%%", "a/100%", ""),
        ("plain/out", "plain/out", ""),
        ("-", "-", ""),
        ("50%%/%Y-%m-%d", "50%/2026-03-09", "%Y-%m-%d"),
        ("\udcff/\udcfe-%Y-%m-%d", "\udcff/\udcfe-2026-03-09", "\udcfe-%Y-%m-%d"),  # bytes that are no UTF-8
    ],
)
def test_a_date_is_filled_in_and_a_whole_one_is_known(text, path, pattern):
    output = resolve_output(text, NOW)
    assert (output.path, output.pattern) == (path, pattern)


@pytest.mark.parametrize("text", ["months/%Y-%m", "years/%Y", "hours/%Y-%H", "days/%Y-%d", "weeks/%G-%V"])
def test_a_part_of_a_date_is_none_on_the_first_of_january_either(text):
    assert resolve_output(text, datetime(2026, 1, 1)).pattern == ""


@pytest.mark.parametrize("text", ["out/%Q", "out/100%", "out/% d", "out/%-d"])
def test_a_percent_that_is_no_date_is_refused(text):
    with pytest.raises(UsageProblem, match="write %% for %"):
        resolve_output(text, NOW)


def samples(folder):
    """Make what sampling two pictures leaves."""
    folder.mkdir(parents=True)
    lines = [{"schema": "aigc.sample/1", "index": i, "file": f"{i:06d}.png"} for i in range(2)]
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for line in lines:
        (folder / line["file"]).write_bytes(b"png")
    return folder


def prepared(folder):
    """Make what preparing pictures leaves."""
    (folder / "images").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"schema": "aigc.manifest/1"}')
    (folder / "pixels.safetensors").write_bytes(b"")
    (folder / "tokens").mkdir()
    (folder / "tokens" / "train-abc-00001-of-00001.safetensors").write_bytes(b"")
    (folder / "images.jsonl").write_text('{"file": "images/000000.png"}\n')
    (folder / "images" / "000000.png").write_bytes(b"png")
    return folder


def trained(folder):
    """Make what training leaves."""
    (folder / "checkpoints" / "step-2").mkdir(parents=True)
    (folder / "checkpoints" / "step-2" / "state.json").write_text("{}")
    (folder / "aigc.json").write_text('{"schema": "aigc.run/1", "kind": "face"}')
    (folder / "config.json").write_text("{}")
    return folder


def texts(path):
    """Make what sampling texts leaves."""
    path.write_text('{"schema": "aigc.sample/1", "text": "hi"}\n')
    return path


MAKERS = {"samples": samples, "set": prepared, "run": trained, "texts": texts}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_what_the_tool_wrote_is_deleted_whole(maker, tmp_path):
    made = maker(tmp_path / "made")
    assert delete_written(made)
    assert list(tmp_path.iterdir()) == []


PLACES = ["letter.txt", "images/letter.txt", "sub/letter.txt", ".hidden", "checkpoints/letter.txt", "tokens/letter.txt"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("maker", [samples, prepared, trained], ids=["samples", "set", "run"])
def test_one_file_of_somebody_else_keeps_it_all(maker, place, tmp_path):
    made = maker(tmp_path / "made")
    (made / place).parent.mkdir(exist_ok=True)
    (made / place).write_text("dear")
    before = sorted(made.rglob("*"))
    assert not delete_written(made)
    assert sorted(made.rglob("*")) == before


@pytest.mark.parametrize("place", ["000001.png", "images/000000.png", "checkpoints/step-2/state.json", "samples.jsonl"])
def test_a_link_inside_keeps_it_all_and_what_it_names(place, tmp_path):
    maker = {"0": samples, "i": prepared, "c": trained, "s": samples}[place[0]]
    made, elsewhere = maker(tmp_path / "made"), tmp_path / "elsewhere"
    (made / place).rename(elsewhere)
    (made / place).symlink_to(elsewhere)
    assert not delete_written(made)
    assert elsewhere.exists()


@pytest.mark.parametrize(
    "content", ["", "{}\n", '{"schema": "aigc.sample/1"}\n{"schema": "mine"}\n', "no JSON\n", '{"schema": "aigc.sam']
)
def test_a_file_that_is_not_wholly_samples_is_kept(content, tmp_path):
    (tmp_path / "file.jsonl").write_text(content)
    assert not delete_written(tmp_path / "file.jsonl")
    assert (tmp_path / "file.jsonl").read_text() == content


def test_a_folder_without_a_record_is_kept(tmp_path):
    (tmp_path / "empty").mkdir()
    assert not delete_written(tmp_path / "empty")
    assert (tmp_path / "empty").is_dir()


def test_what_another_process_works_in_is_kept(tmp_path):
    made = samples(tmp_path / "made")
    descriptor = os.open(made, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert not delete_written(made)
    finally:
        os.close(descriptor)
    assert delete_written(made)


def test_what_a_killed_process_left_goes_too(tmp_path):
    made = samples(tmp_path / "made")
    (made / ".000002.png.x1y2.part").write_bytes(b"half")
    (made / "000000.png").unlink()  # an earlier deletion was interrupted
    assert delete_written(made)


def test_old_siblings_are_those_of_an_earlier_date_of_the_same_pattern(tmp_path):
    names = ["2026-03-09", "2026-03-07", "2026-03-06", "2025-12-31", "2026-3-1", "2026-03-01b", "2027-01-01", "notes"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "2026-01-01").symlink_to(tmp_path / "notes")
    output = resolve_output(str(tmp_path / "%Y-%m-%d"), NOW)
    assert [path.name for path in old_siblings(output, 2, TODAY)] == ["2025-12-31", "2026-03-06"]
    assert [path.name for path in old_siblings(output, 0, TODAY)] == ["2025-12-31", "2026-03-06", "2026-03-07"]
    assert old_siblings(output, 0, date(2025, 12, 31)) == []


def test_days_can_only_be_kept_of_a_dated_output(tmp_path):
    for text in ("out", "%Y/out", "%H"):
        with pytest.raises(UsageProblem, match="whole date"):
            old_siblings(resolve_output(str(tmp_path / text), NOW), 3, TODAY)
    nowhere = resolve_output(str(Path(tmp_path, "none", "%Y-%m-%d")), NOW)
    assert old_siblings(nowhere, 3, TODAY) == []
