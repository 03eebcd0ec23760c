import json
import os
import stat
from collections import Counter
from dataclasses import dataclass

import pytest

from aigc_cli.core.disk.files import new_private_file, read_bytes
from aigc_cli.core.disk.rundir import output_folder
from aigc_cli.core.errors import BadConfig, CannotCreate, NoInput
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.prepared import (
    SetDescription,
    expand_sources,
    finished_set,
    new_set,
    source_record,
    write_manifest,
)

SOURCES = [{"path": "a.txt", "sha256": "0" * 64}]


def make(out, content="one\n", settings=None):
    description = SetDescription(
        kind="text", settings=settings or {"valid": 0.1}, sources=SOURCES, subject="Ada", consent="self"
    )
    with new_set(out, 1000) as folder:
        for name, text in (("train.jsonl", content), ("valid.jsonl", "")):
            with os.fdopen(new_private_file(folder / name), "w") as file:
                file.write(text)
        return write_manifest(folder, description, {"train": 1}, Counter(empty=2, none=0), {"extra": 1})


def test_sources_are_files_in_folders_sorted_and_stdin(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("c.txt", "a.MD", "x.pdf", "b/d.txt"):
        (tmp_path / name).write_text("x")
    expected = [str(tmp_path / name) for name in ("a.MD", "b/d.txt", "c.txt")]
    assert expand_sources([tmp_path], (".txt", ".md")) == expected
    assert expand_sources(["-", tmp_path / "x.pdf"], (".txt",)) == ["-", str(tmp_path / "x.pdf")]
    with pytest.raises(NoInput, match="no such file"):
        expand_sources([tmp_path / "nothing"], (".txt",))
    with pytest.raises(NoInput, match=r"no \.csv file"):
        expand_sources([tmp_path], (".csv",))
    with pytest.raises(NoInput, match="no source"):
        expand_sources([], (".txt",))
    with pytest.raises(NoInput):
        read_bytes(tmp_path)


def test_linked_folders_are_sources_too(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "texts").mkdir()
    for name in ("disk/b.txt", "texts/a.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "texts" / "more").symlink_to(tmp_path / "disk")
    expected = [str(tmp_path / "texts" / name) for name in ("a.txt", "more/b.txt")]
    assert expand_sources([tmp_path / "texts"], (".txt",)) == expected


def test_the_manifest_names_a_source_without_its_place():
    assert source_record("/home/ada/secret/log.txt", "f" * 64) == {"path": "log.txt", "sha256": "f" * 64}
    assert source_record("-", "f" * 64)["path"] == "-"


def test_a_set_is_private_complete_and_described(tmp_path):
    made = make(tmp_path / "set")
    assert read_manifest(tmp_path / "set", "text") == made
    assert made["dropped"] == {"empty": 2}
    assert (made["subject"], made["consent"], made["extra"]) == ("Ada", "self", 1)
    assert stat.S_IMODE((tmp_path / "set").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "set").iterdir()} == {0o600}


def test_the_hash_is_of_the_records_and_not_of_the_date(tmp_path):
    first, same, other = (
        make(tmp_path / "a"),
        make(tmp_path / "b", settings={"valid": 0.2}),
        make(tmp_path / "c", "2\n"),
    )
    assert first["hash"] == same["hash"] != other["hash"]


def test_a_failure_keeps_the_old_set_and_leaves_nothing(tmp_path):
    make(tmp_path / "set")
    with pytest.raises(ZeroDivisionError), new_set(tmp_path / "set", 1000) as folder:
        (folder / "train.jsonl").write_text("half")
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]
    assert (tmp_path / "set" / "train.jsonl").read_text() == "one\n"


@dataclass(frozen=True)
class Asked:
    """Settings, one of which there was not yet when the set was made."""

    valid: float = 0.1
    since: str = "never"


def test_a_finished_set_is_known_by_kind_settings_and_sources(tmp_path):
    out = tmp_path / "set"
    assert finished_set(out, "text", Asked(), SOURCES, force=False) is None
    made = make(out)
    assert finished_set(out, "text", Asked(), SOURCES, force=False) == made
    assert finished_set(out, "text", Asked(), SOURCES, force=True) == made
    for kind, settings, sources in (
        ("chat", Asked(), SOURCES),
        ("text", Asked(valid=0.2), SOURCES),
        ("text", Asked(since="today"), SOURCES),
        ("text", Asked(), SOURCES * 2),
    ):
        with pytest.raises(BadConfig, match="--force"):
            finished_set(out, kind, settings, sources, force=False)
        assert finished_set(out, kind, settings, sources, force=True) is None
    (out / "valid.jsonl").unlink()
    with pytest.raises(BadConfig):
        finished_set(out, "text", Asked(), SOURCES, force=False)


def test_a_damaged_manifest_or_a_file_is_in_the_way(tmp_path):
    make(tmp_path / "set")
    (tmp_path / "set" / "manifest.json").write_text(json.dumps({"schema": "other"}))
    with pytest.raises(CannotCreate, match="not a prepared set"):
        finished_set(tmp_path / "set", "text", Asked(), [], force=True)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(CannotCreate, match="not a folder"), new_set(tmp_path / "link", 1):
        pass


@pytest.mark.parametrize("content", ["missing", "empty", "set"])
def test_a_link_stays_and_the_set_is_made_where_it_leads(tmp_path, content):
    disk, link = tmp_path / "disk", tmp_path / "here" / "link"
    if content == "empty":
        disk.mkdir()
    elif content == "set":
        make(disk)
    link.parent.mkdir()
    link.symlink_to(disk)
    with output_folder(link, private=True), new_set(link, 1) as folder:
        assert folder.parent == tmp_path
        (folder / "new.txt").write_text("new")
    assert link.is_symlink()
    assert [path.name for path in disk.iterdir()] == ["new.txt"]
    assert [path.name for path in link.parent.iterdir()] == ["link"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "here"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CannotCreate, match="may write to"):
        make(tmp_path / "set")
    tmp_path.chmod(0o700)
