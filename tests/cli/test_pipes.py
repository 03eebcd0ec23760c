"""Commands in pipes, as a shell makes them: data on stdout alone, closed pipes, terminals. Real processes."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest

from aigc_cli.core.disk.provenance import read_png_label

AIGC = f"{shlex.quote(sys.executable)} -m aigc_cli"
WRITE = "--max-new-tokens 8 --batch-size 4 --threads 1"


def shell(cli, folder, line, **variables):
    """Run a line in a shell in which `aigc` is the program, and return what came of it."""
    script = f'aigc() {{ {AIGC} "$@"; }}\n{line}'
    return subprocess.run(["bash", "-c", script], cwd=folder, env=cli.environment(**variables), capture_output=True)


def test_text_comes_in_through_a_pipe(cli, tmp_path):
    (tmp_path / "b.txt").write_text("ein Satz\nnoch ein Satz, mit Ümlaut\n" * 20, encoding="utf-8")
    done = shell(cli, tmp_path, "cat b.txt | aigc prepare text - -o d && cat d/*.jsonl")
    first, *lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert first["schema"] == "aigc.prepare/1"
    assert "".join(line["text"] for line in lines) == (tmp_path / "b.txt").read_text(encoding="utf-8")


def test_texts_go_from_sampling_to_evaluation(cli, runs):
    line = f"aigc sample gpt -n 6 --json {WRITE} | tee texts-of-pipe.jsonl | aigc eval texts - chat/valid.jsonl -q"
    done = shell(cli, runs, line)
    [record] = [json.loads(line) for line in done.stdout.splitlines()]
    texts = [json.loads(line)["text"] for line in (runs / "texts-of-pipe.jsonl").read_text().splitlines()]
    assert (record["schema"], record["texts"], record["reference_texts"]) == ("aigc.eval.texts/1", 6, 4)
    assert record["words_per_text"] == pytest.approx(sum(len(text.split()) for text in texts) / 6)
    again = shell(cli, runs, "aigc eval texts texts-of-pipe.jsonl chat")
    assert json.loads(again.stdout) == record


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_pictures_go_into_a_pipe_and_their_paths_into_another(cli, runs):
    line = "aigc sample face -n 1 --start 2 -o - --threads 1 >one.png && "
    line += "aigc sample face -n 3 -o piped --threads 1 --json -q | jq -r .path | xargs cksum"
    done = shell(cli, runs, line)
    assert done.returncode == 0, done.stderr
    assert [row.split()[2].decode() for row in done.stdout.splitlines()] == [f"piped/00000{i}.png" for i in range(3)]
    one = (runs / "one.png").read_bytes()
    assert one == (runs / "piped" / "000002.png").read_bytes()
    assert read_png_label(one)["AIGC"]["Label"] == "1"


@pytest.mark.parametrize(
    "line",
    [
        f"aigc sample gpt -n 40 {WRITE}",
        "aigc sample face -n 40 -o closed --threads 1",
        "aigc prepare images dicebear:",
        "aigc config show",
        "aigc doctor",
        "aigc eval texts talk.txt talk.txt",
    ],
)
def test_a_pipe_that_is_closed_early_ends_the_command_with_141(line, cli, runs):
    # Nobody reads: `true` is gone before anything is written.
    done = shell(cli, runs, f"{line} | true; echo ${{PIPESTATUS[0]}}")
    assert done.stdout == b"141\n"
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr and b"error" not in done.stderr


def test_quiet_keeps_what_a_command_is_for_and_nothing_else(cli, runs):
    line = f"aigc sample gpt -n 1 {WRITE} -q; aigc eval pairs images/images images/images -q"
    lines = [json.loads(line) for line in shell(cli, runs, line).stdout.splitlines()]
    assert [line["schema"] for line in lines] == ["aigc.sample/1", "aigc.eval.pairs/1"]
    line = "aigc sample face -n 2 -o hush --threads 1 -q; aigc prepare text talk.txt -o hush-text -q"
    done = shell(cli, runs, line + "; aigc sample gpt -n 1 --dry-run -q")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
