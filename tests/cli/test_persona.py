"""A persona from the set to what is said: the run keeps it, and `chat` and `sample` put it before conversations."""

import json

import pytest

PERSONA = "You are Ada, keeper of the lighthouse.\nYou distrust the fern 🌿."


@pytest.fixture(scope="module")
def keeper(cli, small, sets, tmp_path_factory):
    """A run that was trained with the persona."""
    folder = tmp_path_factory.mktemp("persona")
    (folder / "keeper.txt").write_text(PERSONA, encoding="utf-8")
    talk = ("prepare", "chat", str(sets / "talk.txt"), "--me", "Ada", "--consent", "synthetic", "-o", "set")
    train = ("train-gpt", "set", "-o", "run", "--steps", "4", *small["scratch"], "--context", "192")
    for command in ((*talk, "--persona", "keeper.txt"), train):
        done = cli.run(folder, *command)
        assert done.returncode == 0, done.stderr
    return folder / "run"


def reply(cli, run, system=None):
    """Return what `chat` says after a system turn, or after its own."""
    messages = [{"role": "system", "content": system}] if system else []
    line = json.dumps({"messages": [*messages, {"role": "user", "content": "hi"}]}) + "\n"
    drawn = ("--json", "--seed", "3", "--temperature", "2", "--max-new-tokens", "24")
    return cli.records(run.parent, "chat", run.name, "-", *drawn, stdin=line)[0]["reply"]


def default_system(run):
    """Return what `sample` says before a prompt that says nothing of its own: tests/data/test_dialogue.py."""
    return json.loads((run / "tokenizer_config.json").read_text(encoding="utf-8"))["default_system"]


def test_the_run_keeps_it_and_chat_and_sample_say_it(cli, keeper):
    assert json.loads((keeper / "aigc.json").read_text(encoding="utf-8"))["persona"] == PERSONA
    assert default_system(keeper) == PERSONA
    assert reply(cli, keeper) == reply(cli, keeper, PERSONA) != reply(cli, keeper, "You are Ada.")


def test_a_run_without_one_says_the_name_as_ever(cli, runs):
    run = runs / "gpt"
    assert "persona" not in json.loads((run / "aigc.json").read_text(encoding="utf-8"))
    assert default_system(run) == "You are Ada."
    assert reply(cli, run) == reply(cli, run, "You are Ada.") != reply(cli, run, "You are Bob.")
