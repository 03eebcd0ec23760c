"""Runs small enough to make in a second or two, for tests that need a real one."""

import itertools
import json
import os

import pytest
import torch
from torch.nn import functional

from aigc_cli.core.seeding import stream
from aigc_cli.data.dialogue import encode_dialogue
from aigc_cli.data.tokenizer import train_bpe
from aigc_cli.gpt.bases.hf import write_model_folder
from aigc_cli.gpt.model import GptModel, ModelConfig
from tests import forked

UMASK = os.umask(0o022)
os.umask(UMASK)


@pytest.fixture(autouse=True)
def the_umask_stays():
    """Commands that run in the tests' own process make it private; each test begins as the first one did."""
    os.umask(UMASK)
    yield
    os.umask(UMASK)


EXCHANGES = {
    "hi": "hello you\nhow are you",
    "joke": "hahaha lol",
    "rain": "so sad, sorry",
    "ok": "see you at ten",
}


def pytest_sessionfinish():
    """End the process that commands were forked from."""
    forked.close()


def write_text_run(folder, exchanges, subject="Ada"):
    """Write a text run, as `aigc train-gpt` leaves it, that has learnt the exchanges by heart."""
    orders = [[asked] for asked in exchanges] + list(itertools.permutations(exchanges, 3))[::4]
    dialogues = [[{"role": "system", "content": f"You are {subject}."}] for _ in orders]
    for messages, order in zip(dialogues, orders, strict=True):
        for asked in order:
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": exchanges[asked]})
    tokenizer = train_bpe([message["content"] for messages in dialogues for message in messages], 280)
    config = ModelConfig(
        vocab_size=tokenizer.size, width=32, layers=2, heads=2, kv_heads=2, head_dim=16, mlp_width=64, context=256
    )
    model = GptModel(config)
    model.initialise(stream(0, "initialise"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model is slower with more
    _learn(model, [encode_dialogue(tokenizer, messages) for messages in dialogues])
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    write_model_folder(folder, model, dict(model.state_dict()), tokenizer, "card\n", {})
    record = {"schema": "aigc.run/1", "kind": "text", "status": "finished", "step": 200, "subject": subject}
    (folder / "aigc.json").write_text(json.dumps(record))
    return folder


def _learn(model, encoded):
    length = max(len(ids) for ids, _ in encoded)
    tokens = torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in encoded])
    wanted = torch.tensor([mask + [False] * (length - len(mask)) for _, mask in encoded])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(200):
        logits = model.logits(model(tokens[:, :-1]))
        loss = functional.cross_entropy(logits[wanted[:, 1:]], tokens[:, 1:][wanted[:, 1:]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.03:
            break
    assert loss.item() < 0.03


@pytest.fixture(scope="session")
def exchanges():
    """What `ada_run` was taught: the user's words and the replies."""
    return EXCHANGES


@pytest.fixture(scope="session")
def ada_run(tmp_path_factory):
    """A text run of "Ada" that knows `exchanges` by heart; treat it as read-only."""
    return write_text_run(tmp_path_factory.mktemp("runs") / "ada", EXCHANGES)


@pytest.fixture(scope="session")
def face_run(tmp_path_factory):
    """A face run with random weights and the labels smile, sad and angry; treat it as read-only."""
    from aigc_cli.core.disk.checkpoint import save_tensors
    from aigc_cli.gan.architectures.networks import make_generator

    names = ["smile", "sad", "angry"]
    config = {"arch": "mlp", "size": 16, "channels": 3, "label_names": names, "z_dim": 8, "width": 0.25}
    folder = tmp_path_factory.mktemp("runs") / "face"
    folder.mkdir()
    torch.manual_seed(0)
    save_tensors(folder / "generator.safetensors", make_generator(config).state_dict())
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "aigc.json").write_text(json.dumps({"schema": "aigc.run/1", "kind": "face"}))
    return folder
