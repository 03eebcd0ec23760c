"""The demo, shortened to about two minutes: every command of the whole job, as the script prints and runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aigc_cli.core.disk.provenance import read_png_label, read_record_label

ROOT = Path(__file__).parents[2]
SHORT = {
    "DEMO_COUNT": "256",
    "DEMO_GAN_MINUTES": "0.2",
    "DEMO_GPT_MINUTES": "0.2",
    "DEMO_LOG_MINUTES": "0.1",
    "DEMO_SAMPLES": "40",
}


@pytest.mark.slow
@pytest.mark.parametrize(("language", "suffix"), [("en", ".txt"), ("zh", ".zh.txt")])
def test_the_whole_job_without_a_terminal(tmp_path, language, suffix):
    environment = {
        **os.environ,
        **SHORT,
        "DEMO": language,
        "AIGC_LANG": "en",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["sh", "examples/demo.sh", str(tmp_path / "demo")],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    demo = tmp_path / "demo"
    pictures = sorted((demo / "samples" / "faces").glob("*.png"))
    assert len(pictures) == 40
    assert all(read_png_label(path.read_bytes()) for path in [*pictures, demo / "samples" / "faces.png"])
    replies = [json.loads(line) for line in (demo / "samples" / "replies.jsonl").read_text().splitlines()]
    assert [reply["prompt"] for reply in replies] == (ROOT / "examples" / f"prompts{suffix}").read_text(
        encoding="utf-8"
    ).splitlines()
    assert all(read_record_label(reply) and reply["text"].strip() for reply in replies)
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    schemas = [record["schema"] for record in records]
    assert {"aigc.prepare/1", "aigc.run/1", "aigc.eval.images/1", "aigc.eval.text/1"} <= set(schemas)
    for line in (ROOT / "examples" / f"conversation{suffix}").read_text(encoding="utf-8").splitlines():
        assert line in done.stdout
    assert "\ufffd" not in done.stdout
    # The notice and all talk are in the demo's language.
    assert ("的 AI 分身" in done.stdout + done.stderr) == (language == "zh")
    for command in ("prepare images", "prepare chat", "train-gan", "train-gpt", "sample", "eval images", "chat"):
        assert f"$ aigc {command} " in done.stderr
