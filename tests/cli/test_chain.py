"""The whole job on tiny data, one process a step: prepare, train, sample, evaluate, talk."""

import contextlib
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from PIL import Image

from aigc_cli.core.disk.provenance import read_png_label, read_record_label

WRITING = ("--max-new-tokens", "12", "--batch-size", "4", "--threads", "1")
DRAWING = ("--batch-size", "4", "--threads", "1")


def read_records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def without_path(records):
    return [{name: value for name, value in record.items() if name != "path"} for record in records]


@pytest.fixture(scope="module")
def faces(cli, runs):
    """Twenty faces and their grid; the folder is read-only."""
    printed = cli.records(runs, "sample", "face", "-n", "20", "-o", "faces", "--grid", "grid.png", *DRAWING)
    return runs / "faces", printed


@pytest.fixture(scope="module")
def texts(cli, runs):
    """Twenty texts in answer to two prompts, ten each; the file is read-only."""
    (runs / "prompts.txt").write_text("hi there\n\nwhere are you?\n")
    words = ("--prompts", "prompts.txt", "-n", "10", "-o", "texts.jsonl", *WRITING)
    printed = cli.records(runs, "sample", "gpt", *words)
    assert printed == [json.loads(line) for line in (runs / "texts.jsonl").read_text().splitlines()]
    return runs / "texts.jsonl"


class TestPreparing:
    def test_faces_have_the_size_and_the_labels(self, sets):
        record = json.loads((sets / "images.record").read_text())
        assert (record["schema"], record["counts"]) == ("aigc.prepare/1", {"train": 36, "valid": 12})
        for picture in (sets / "images" / "images").iterdir():
            with Image.open(picture) as image:
                assert image.size == (16, 16)
        assert "smile" in record["label_names"]

    def test_every_answer_is_kept_and_the_last_conversation_is_held_out(self, sets):
        train, valid = (read_records(sets / "chat" / f"{part}.jsonl") for part in ("train", "valid"))
        answers = [m["content"] for r in train + valid for m in r["messages"] if m["role"] == "assistant"]
        assert (len(answers), answers[0], answers[-1]) == (40, "hey you!", "on my way")
        assert [r["messages"][1]["content"] for r in valid] == ["do you still have my drill?"]

    def test_the_text_is_whole(self, sets):
        parts = [
            record["text"] for part in ("train", "valid") for record in read_records(sets / "text" / f"{part}.jsonl")
        ]
        assert "".join("".join(parts).split()) == "".join((sets / "talk.txt").read_text().split())


class TestTraining:
    @pytest.mark.parametrize(("name", "kind"), [("face", "face"), ("gpt", "text")])
    def test_the_record_on_stdout_leads_to_the_run(self, name, kind, runs):
        [line] = (runs / f"{name}.record").read_text().splitlines()
        record = json.loads(line)
        assert (record["kind"], record["status"], record["step"]) == (kind, "finished", 12)
        kept = json.loads((runs / record["run"] / "aigc.json").read_text())
        assert (kept["kind"], kept["step"], kept["best"]) == (kind, 12, record["best"])

    def test_a_face_run_says_how_many_of_its_samples_are_near_copies(self, runs):
        record = json.loads((runs / "face.record").read_text())
        at_best = [
            line for line in read_records(runs / "face" / "metrics.jsonl") if line["step"] == record["best"]["step"]
        ]
        [share] = [line["near_training[random_conv]"] for line in at_best if "near_training[random_conv]" in line]
        assert (
            record["near_training"] == share == json.loads((runs / "face" / "aigc.json").read_text())["near_training"]
        )

    def test_a_face_begins_with_another_one_s_weights_and_is_as_private(self, cli, runs, small, tmp_path):
        words = ("train-gan", runs / "images", "-o", tmp_path / "next", "--steps", "1", *small["face"])
        assert "a text run; this needs a face run" in cli.refused(runs, 65, *words, "--init", "gpt")
        assert "has --width 0.1, not 0.2" in cli.refused(runs, 78, *words, "--init", "face", "--width", "0.2")
        assert not (tmp_path / "next").exists()
        base = shutil.copytree(runs / "face", tmp_path / "base")
        record = json.loads((base / "aigc.json").read_text())
        (base / "aigc.json").write_text(json.dumps({**record, "private": True, "subject": "Ada"}))
        done = cli.run(tmp_path, *words, "--init", "base")
        assert done.returncode == 0, done.stderr
        found = re.search(r"from base: (\d+) of (\d+) tensors of the generator, (\d+) of (\d+) of its", done.stderr)
        assert found[1] == found[2]
        assert found[3] == found[4]
        made = json.loads((tmp_path / "next" / "aigc.json").read_text())
        assert (made["private"], made["base"]["subject"], made["subject"]) == (True, "Ada", record["subject"])
        assert (tmp_path / "next" / "generator.safetensors").stat().st_mode & 0o077 == 0
        shutil.rmtree(base)  # a run that has begun needs it no more
        assert cli.run(tmp_path, *words, "--init", "base").returncode == 0

    def test_previews_carry_the_label(self, runs):
        previews = sorted((runs / "face" / "previews").glob("*.png"))
        assert [path.name for path in previews] == [*(f"step-{step:06d}.png" for step in (4, 8, 12)), "training.png"]
        for preview in previews:
            assert read_png_label(preview.read_bytes())["AIGC"]["Label"] == "1"

    def test_the_previews_move_in_one_picture(self, runs):
        folder = runs / "face" / "previews"
        with Image.open(folder / "training.png") as animated, Image.open(folder / "step-000012.png") as last:
            assert animated.n_frames == 3
            animated.seek(2)
            assert animated.tobytes() == last.crop((0, 0, *animated.size)).tobytes()

    def test_the_end_says_where_it_can_be_seen(self, cli, runs, small):
        words = ("train-gan", "images", "-o", "seen", "--steps", "2", *small["face"], "--evaluations")
        assert "training.png" not in cli.run(runs, *words, "1").stderr  # nothing moves in one preview
        done = cli.run(runs, *words, "2", "--resume", "restart")
        assert "seen/previews/training.png shows the training; aigc metrics seen its curves" in done.stderr


class TestFaces:
    def test_every_picture_and_record_carries_the_label(self, faces):
        folder, printed = faces
        records = read_records(folder / "samples.jsonl")
        assert records == printed
        assert [record["index"] for record in records] == list(range(20))
        assert sorted(path.name for path in folder.iterdir()) == [r["file"] for r in records] + ["samples.jsonl"]
        for record in records:
            png = (folder / record["file"]).read_bytes()
            assert read_png_label(png) == read_record_label(record)

    def test_the_labels_are_asked_for_in_turn(self, runs, faces):
        names = json.loads((runs / "face" / "config.json").read_text())["label_names"]
        assert [record["label"] for record in faces[1]] == [names[i % len(names)] for i in range(20)]

    def test_the_grid_shows_all_and_carries_the_label(self, runs, faces):
        grid = (runs / "grid.png").read_bytes()
        assert read_png_label(grid)["AIGC"]["Label"] == "1"
        with Image.open(io.BytesIO(grid)) as image:
            shown = image.convert("RGB").tobytes()
            width, height = image.size
        assert width * height >= 20 * 16 * 16
        with Image.open(faces[0] / "000000.png") as first:
            row = first.crop((0, 0, 16, 1)).tobytes()
        assert row in shown

    def test_one_picture_to_a_pipe_is_that_item(self, cli, runs, faces):
        done = cli.run(runs, "sample", "face", "-n", "1", "--start", "6", "-o", "-", *DRAWING, stdin=b"", encoding=None)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == (faces[0] / "000006.png").read_bytes()

    def test_items_do_not_depend_on_how_many_are_asked_for(self, cli, runs, faces):
        part = cli.records(runs, "sample", "face", "-n", "3", "--start", "5", "-o", "part", *DRAWING)
        assert without_path(part) == without_path(faces[1][5:8])
        for record in part:
            assert (runs / "part" / record["file"]).read_bytes() == (faces[0] / record["file"]).read_bytes()

    def test_again_is_a_no_op_that_says_so(self, cli, runs, faces):
        before = {path.name: path.stat().st_mtime_ns for path in faces[0].iterdir()}
        done = cli.run(runs, "sample", "face", "-n", "20", "-o", "faces", *DRAWING)
        assert done.returncode == 0
        assert "all 20 are there: nothing to do" in done.stderr
        assert [json.loads(line) for line in done.stdout.splitlines()] == faces[1]
        assert {path.name: path.stat().st_mtime_ns for path in faces[0].iterdir()} == before

    @pytest.mark.parametrize("cut", [1, 100, 700])
    def test_a_truncated_index_is_completed(self, cut, cli, runs, faces, tmp_path):
        whole, folder = faces[0], tmp_path / "faces"
        shutil.copytree(whole, folder)
        index = folder / "samples.jsonl"
        index.write_bytes(index.read_bytes()[:-cut])
        for name in ("000018.png", "000019.png"):
            (folder / name).unlink()
        cli.records(runs, "sample", "face", "-n", "20", "-o", folder, *DRAWING)
        assert without_path(read_records(index)) == without_path(read_records(whole / "samples.jsonl"))
        for path in whole.glob("*.png"):
            assert (folder / path.name).read_bytes() == path.read_bytes()

    def test_a_killed_sample_goes_on(self, cli, runs, leftovers):
        words = ("sample", "face", "-n", "120", "-o", "killed", "--batch-size", "20", "--threads", "1")
        process = cli.start(runs, *words)
        cli.wait_until(lambda: (runs / "killed" / "000030.png").exists(), process)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (runs / "killed" / "000119.png").exists()
        cli.records(runs, *words)
        whole = cli.records(runs, *words[:5], "unkilled", *words[6:])
        assert without_path(read_records(runs / "killed" / "samples.jsonl")) == without_path(whole)
        for record in whole:
            name = record["file"]
            assert (runs / "killed" / name).read_bytes() == (runs / "unkilled" / name).read_bytes()
        assert leftovers(runs / "killed") == []


class TestTexts:
    def test_every_record_carries_the_label(self, texts):
        records = read_records(texts)
        assert [record["index"] for record in records] == list(range(20))
        assert [record["prompt"] for record in records[:3]] == ["hi there", "where are you?", "hi there"]
        for record in records:
            assert read_record_label(record)["AIGC"]["Label"] == "1"
            assert record["tokens"] <= 12

    def test_items_do_not_depend_on_how_many_are_asked_for(self, cli, runs, texts):
        stdin = (runs / "prompts.txt").read_text()
        part = cli.records(
            runs, "sample", "gpt", "--prompts", "-", "-n", "2", "--start", "3", "-o", "-", *WRITING, stdin=stdin
        )
        assert part == read_records(texts)[6:10]
        assert not (runs / "-").exists()

    def test_one_prompt(self, cli, runs, texts):
        answers = cli.records(runs, "sample", "gpt", "--prompt", "hi there", "-n", "3", *WRITING)
        assert [answer["prompt"] for answer in answers] == ["hi there"] * 3
        assert answers[0]["text"] == read_records(texts)[0]["text"]
        assert len({answer["text"] for answer in answers}) > 1

    def test_again_is_a_no_op_that_says_so(self, cli, runs, texts):
        before = (texts.stat().st_mtime_ns, texts.read_bytes())
        words = ("sample", "gpt", "--prompts", "prompts.txt", "-n", "10", "-o", "texts.jsonl", *WRITING)
        done = cli.run(runs, *words)
        assert done.returncode == 0
        assert "all 20 are there: nothing to do" in done.stderr
        assert (texts.stat().st_mtime_ns, texts.read_bytes()) == before
        assert "item 0 is there with seed 0" in cli.refused(runs, 78, *words, "--seed", "1")

    @pytest.mark.parametrize("cut", [1, 100])
    def test_a_truncated_file_is_completed(self, cut, cli, runs, texts, tmp_path):
        copy = tmp_path / "texts.jsonl"
        copy.write_bytes(texts.read_bytes()[:-cut])
        cli.records(runs, "sample", "gpt", "--prompts", "prompts.txt", "-n", "10", "-o", copy, *WRITING)
        assert copy.read_bytes() == texts.read_bytes()


class TestEvaluating:
    def test_pictures(self, cli, runs, faces):
        words = ("eval", "images", "images", "faces", "--extractor", "random_conv", "--bootstrap", "0")
        [record] = cli.records(runs, *words, "--no-labels", "--threads", "1")
        assert (record["n_real"], record["n_generated"]) == (48, 20)
        assert record["metrics"]["frechet[random_conv]"] > record["floor"]["frechet[random_conv]"]

    def test_pairs(self, cli, runs, faces):
        [same] = cli.records(runs, "eval", "pairs", "faces", "faces")
        assert (same["n"], same["ssim"], same["equal_pairs"]) == (20, 1.0, 20)

    def test_texts(self, cli, runs):
        [record] = cli.records(runs, "eval", "text", "gpt", "chat", "--replies", "3", "--threads", "1")
        answers = ["which drill", "it is on the shelf with the skis", "since march, sorry", "on my way"]
        # What is scored: the person's words and the mark that ends a turn, which has no bytes of its own.
        assert record["bytes"] in (len("".join(answers)), len("".join(answers)) + len(answers))
        assert 0 < record["bits_per_byte"] < 9


class TestTalking:
    def test_a_pipe_gets_the_reply_alone(self, cli, runs):
        aigc = f"{shlex.quote(sys.executable)} -m aigc_cli"
        options = "--seed 3 --max-new-tokens 12 --threads 1"
        done = subprocess.run(
            ["sh", "-c", f"printf 'hi\\n' | {aigc} chat gpt - {options} | cat"],
            cwd=runs,
            env=cli.environment(),
            capture_output=True,
            check=True,
        )
        [record] = cli.records(runs, "chat", "gpt", "-", *options.split(), "--json", stdin='{"prompt": "hi"}\n')
        assert done.stdout.decode() == record["reply"] + "\n"
        assert read_record_label(record)["AIGC"]["Label"] == "1"
        assert "AI" in done.stderr.decode()


def test_an_interrupted_sample_says_so_and_keeps_what_is_there(cli, runs):
    words = ("sample", "face", "-n", "1000", "-o", "stopped", "--batch-size", "50", "--threads", "1")
    process = cli.start(runs, *words)
    cli.wait_until(lambda: (runs / "stopped" / "000020.png").exists(), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("aigc sample: error: stopped by SIGINT")
    records = read_records(runs / "stopped" / "samples.jsonl")
    assert len(records) == len(list((runs / "stopped").glob("*.png")))
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(runs / "stopped")
