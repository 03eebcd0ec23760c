"""Training that is killed, stopped, and run twice: what is lost (nothing) and what it says. Real processes.

Each kind of training is run to its end once undisturbed, and once killed with -9 and stopped by INT or TERM, each time
somewhere in the middle, and taken up again by the same command. Both must leave the same files.
"""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.seeding import stream
from aigc_cli.data.tokenizer import train_bpe
from aigc_cli.gpt.bases.hf import write_model_folder
from aigc_cli.gpt.model import GptModel, ModelConfig

STEPS = 40
STOPS = {"face": (signal.SIGINT,), "scratch": (signal.SIGTERM,), "lora": ()}
KINDS = tuple(STOPS)


@dataclass
class History:
    """What happened to one kind of training."""

    whole: Path
    cut: Path
    words: tuple[str, ...]
    stops: tuple[signal.Signals, ...]
    killed_at: int = 0
    statuses: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    saved_steps: list[int] = field(default_factory=list)
    second: str = ""


def llama_folder(folder, texts):
    """Write a model in Llama's layout, with random weights, as a user would have downloaded one."""
    tokenizer = train_bpe(texts, 300)
    tokenizer.chat = True
    config = ModelConfig(
        vocab_size=tokenizer.size,
        width=16,
        layers=2,
        heads=2,
        kv_heads=1,
        head_dim=8,
        mlp_width=32,
        context=64,
        qk_norm=False,
        tied=True,
    )
    model = GptModel(config)
    model.initialise(stream(7, "initialise"))
    folder.mkdir()
    write_model_folder(folder, model, dict(model.state_dict()), tokenizer, "card\n", {})
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"


def disturbed(cli, folder, history):
    """Kill, stop and take up a training until it is finished."""
    run = RunDir(history.cut)

    def reached(step):
        return lambda: bool(run.checkpoint_steps()) and run.checkpoint_steps()[-1] >= step

    process = cli.start(folder, *history.words, "-o", history.cut, "-q")
    cli.wait_until(reached(5), process)
    process.kill()
    process.communicate()
    history.statuses.append(process.returncode)
    history.killed_at = run.checkpoint_steps()[-1]
    for signum in history.stops:
        process = cli.start(folder, *history.words, "-o", history.cut, "-q")
        cli.wait_until(reached(run.checkpoint_steps()[-1] + 5), process)
        if signum == signal.SIGINT:
            process.send_signal(signal.SIGSTOP)  # alive, and not done while the second one tries
            history.second = cli.refused(folder, 75, *history.words, "-o", history.cut)
            process.send_signal(signal.SIGCONT)
        process.send_signal(signum)
        history.lines.append(process.communicate()[1])
        history.statuses.append(process.returncode)
        history.saved_steps.append(run.checkpoint_steps()[-1])
    history.statuses.append(cli.run(folder, *history.words, "-o", history.cut, "-q", fresh=True).returncode)


@pytest.fixture(scope="module")
def histories(cli, small, sets, tmp_path_factory):
    """What happened to each of `KINDS`."""
    folder = tmp_path_factory.mktemp("resume")
    llama_folder(folder / "llama", [(sets / "talk.txt").read_text()])
    shared = ("--steps", str(STEPS), "--save-minutes", "0")
    words = {
        "face": ("train-gan", str(sets / "images"), *shared, *small["face"]),
        "scratch": ("train-gpt", str(sets / "text"), *shared, *small["scratch"]),
        "lora": ("train-gpt", str(sets / "chat"), *shared, "--init", str(folder / "llama"), *small["text"]),
    }
    made = {kind: History(folder / f"{kind}-whole", folder / f"{kind}-cut", words[kind], STOPS[kind]) for kind in KINDS}
    with ThreadPoolExecutor(max_workers=2) as pool:
        whole = [pool.submit(cli.run, folder, *h.words, "-o", h.whole, "-q") for h in made.values()]
        for job in [pool.submit(disturbed, cli, folder, history) for history in made.values()]:
            job.result()
    for job in whole:
        assert job.result().returncode == 0, job.result().stderr
    return made


@pytest.fixture(params=KINDS)
def history(request, histories):
    """One of them."""
    return histories[request.param]


def evaluations(path):
    """Return the lines of metrics.jsonl that evaluations wrote, without what depends on the clock."""
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if "seconds" not in name}
        for line in lines
        if "steps_per_second" not in line
    ]


@pytest.fixture(params=KINDS)
def exact(request, histories):
    """One of them, whose results are compared."""
    return histories[request.param]


class TestInterruptions:
    def test_each_happened_in_the_middle(self, history):
        steps = [history.killed_at, *history.saved_steps]
        assert 5 <= steps[0] <= steps[-1] < STEPS
        assert steps == sorted(set(steps))

    def test_the_statuses(self, history):
        assert history.statuses == [-signal.SIGKILL, *(128 + signum for signum in history.stops), 0]

    def test_a_stop_says_where_it_saved(self, history):
        for signum, line, step in zip(history.stops, history.lines, history.saved_steps, strict=True):
            said = (
                rf"aigc train-g\w+: error: stopped by {signum.name}; saved at step {step}; the same command goes on.*\n"
            )
            assert re.fullmatch(said, line)

    def test_a_second_process_is_turned_away(self, histories):
        assert "another aigc process is working in it" in histories["face"].second

    def test_the_files_are_bit_equal_to_an_undisturbed_run(self, exact):
        weights = [path.relative_to(exact.whole) for path in exact.whole.rglob("*.safetensors")]
        assert len(weights) >= 3  # the model at the root and two checkpoints
        for path in weights:
            assert (exact.cut / path).read_bytes() == (exact.whole / path).read_bytes(), path

    def test_the_folders_hold_the_same_files(self, history, leftovers):
        assert leftovers(history.cut) == []
        names = [sorted(str(f.relative_to(r)) for f in r.rglob("*")) for r in (history.whole, history.cut)]
        assert names[0] == names[1]

    def test_the_metrics_are_those_of_an_undisturbed_run(self, exact):
        assert len(evaluations(exact.whole)) >= 3
        assert evaluations(exact.cut) == evaluations(exact.whole)

    def test_the_record_is_that_of_an_undisturbed_run(self, exact):
        whole, cut = (RunDir(path).record() for path in (exact.whole, exact.cut))
        assert (cut["status"], cut["step"], cut["best"]) == ("finished", STEPS, whole["best"])


class TestTheSameCommandAgain:
    def test_a_finished_run_is_left_as_it_is(self, cli, history, tmp_path):
        before = {path: path.stat().st_mtime_ns for path in history.whole.rglob("*")}
        done = cli.run(tmp_path, *history.words, "-o", history.whole)
        assert f"already finished at step {STEPS}: nothing to do" in done.stderr
        assert (done.returncode, json.loads(done.stdout)["run"]) == (0, str(history.whole))
        assert {path: path.stat().st_mtime_ns for path in history.whole.rglob("*")} == before

    def test_other_settings_are_refused_and_named(self, cli, history, tmp_path):
        line = cli.refused(tmp_path, 78, *history.words, "--seed", "1", "-o", history.whole)
        assert "other settings: seed was 0, is 1 (" in line

    def test_other_data_is_refused(self, cli, histories, sets, tmp_path):
        history = histories["scratch"]
        words = [str(sets / "chat") if word == str(sets / "text") else word for word in history.words]
        line = cli.refused(tmp_path, 78, *words, "-o", history.whole)
        assert f"the data was {sets / 'text'}" in line

    def test_a_run_of_the_other_kind_is_refused(self, cli, histories, tmp_path):
        face, text = histories["face"], histories["scratch"]
        assert "a text run" in cli.refused(tmp_path, 65, *face.words, "-o", text.whole)
        assert "a face run" in cli.refused(tmp_path, 65, *text.words, "-o", face.whole)
