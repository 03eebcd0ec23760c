"""Everything generated carries the AI label, and `aigc label` and exiftool read it. Real processes."""

import json
import shutil
import subprocess

import pytest

from aigc_cli.core.disk.labels import NOT_GENERATED_FILES, label_record_of

SAMPLING = ("--batch-size", "4", "--threads", "1")
# What the commands write that is not generated, or describes what is: everything else must be labelled.
DESCRIPTIONS = {".json", ".md", ".jinja"}


@pytest.fixture(scope="module")
def made(cli, runs, tmp_path_factory):
    """A folder with everything that the commands generate, and the records that they printed."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("face", "gpt"):
        shutil.copytree(runs / name, folder / name)
    printed = cli.records(folder, "sample", "face", "-n", "5", "-o", "faces", "--grid", "grid.png", *SAMPLING)
    words = ("--prompt", "hi", "-n", "3", "--max-new-tokens", "6")
    cli.run(folder, "sample", "gpt", *words, "-o", "texts.jsonl", *SAMPLING)
    printed += cli.records(folder, "sample", "gpt", *words, *SAMPLING)
    talk = ("chat", "gpt", "-", "--session", "session.jsonl", "--json", "--max-new-tokens", "6", "--threads", "1")
    printed += cli.records(folder, *talk, stdin="hi\nare you there?\n")
    one = cli.run(folder, "sample", "face", "-n", "1", "-o", "-", *SAMPLING, stdin=b"", encoding=None)
    (folder / "one.png").write_bytes(one.stdout)
    (folder / "printed.jsonl").write_text("".join(json.dumps(record) + "\n" for record in printed))
    return folder


def test_nothing_generated_is_written_unlabelled(made):
    seen = set()
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        if path.suffix in DESCRIPTIONS or path.name in NOT_GENERATED_FILES:
            continue
        record = label_record_of(path, str(path.relative_to(made)))
        assert record["status"] == "labelled", record
        seen.add(str(path.relative_to(made)))
    wanted = {"face/generator.safetensors", "gpt/model.safetensors", "faces/000004.png", "grid.png", "one.png"}
    wanted |= {"faces/samples.jsonl", "texts.jsonl", "session.jsonl", "printed.jsonl"}
    assert wanted <= seen
    assert {path.split("/")[1] for path in seen if path.startswith(("face/", "gpt/"))} >= {"previews", "checkpoints"}


class TestVerify:
    def test_all_is_well_and_the_status_says_so(self, cli, made):
        records = cli.records(made, "label", "verify", ".")
        assert {record["schema"] for record in records} == {"aigc.label/1"}
        assert {record["status"] for record in records} == {"labelled"}
        assert not any("AIGC" in record for record in records)
        assert "compliant" not in json.dumps(records)
        done = cli.run(made, "label", "verify", ".", "-q")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_a_missing_label_is_65_and_named(self, cli, made, tmp_path):
        shutil.copy(made / "texts.jsonl", tmp_path)
        lines = (tmp_path / "texts.jsonl").read_text().splitlines()
        bare = {name: value for name, value in json.loads(lines[1]).items() if name != "AIGC"}
        (tmp_path / "texts.jsonl").write_text("\n".join([lines[0], json.dumps(bare), *lines[2:]]) + "\n")
        done = cli.run(tmp_path, "label", "verify", "texts.jsonl", made / "one.png")
        assert done.returncode == 65
        assert done.stderr.count("\n") == 1 and "texts.jsonl: " in done.stderr and "(1 of 2 files)" in done.stderr
        first, second = map(json.loads, done.stdout.splitlines())
        assert (first["records"], first["labelled"], first["bad_line"]) == (3, 2, 2)
        assert second["status"] == "labelled"

    def test_a_damaged_file_is_65_and_a_missing_one_66(self, cli, made, tmp_path):
        (tmp_path / "cut.png").write_bytes((made / "one.png").read_bytes()[:-9])
        assert "cut.png: the PNG is truncated" in _error(cli.run(tmp_path, "label", "verify", "cut.png"), 65)
        assert "none.png" in _error(cli.run(tmp_path, "label", "show", "none.png"), 66)


class TestShow:
    def test_it_says_what_the_label_says(self, cli, made):
        [record] = cli.records(made, "label", "show", "faces/000003.png")
        [line] = [json.loads(line) for line in (made / "faces" / "samples.jsonl").read_text().splitlines()[3:4]]
        assert (record["AIGC"], record["digitalSourceType"]) == (line["AIGC"], line["digitalSourceType"])

    def test_stdin(self, cli, made):
        done = cli.run(made, "label", "show", "-", stdin=(made / "one.png").read_bytes(), encoding=None)
        record = json.loads(done.stdout)
        assert (done.returncode, record["path"], record["status"]) == (0, "-", "labelled")


def _error(done, status):
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_the_same_label(made):
    words = ["exiftool", "-json", "-XMP:all", "grid.png", "faces/000000.png"]
    found = subprocess.run(words, cwd=made, capture_output=True, check=True)
    for tags, name in zip(json.loads(found.stdout), ("grid.png", "faces/000000.png"), strict=True):
        record = label_record_of(made / name, name)
        label = tags["Aigc"]
        assert (json.loads(label) if isinstance(label, str) else label) == record["AIGC"]
        assert tags["DigitalSourceType"] == record["digitalSourceType"]
