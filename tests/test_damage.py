"""Every kind of input, cut and altered at random: an error of ours or a result, never another exception.

Each reader is handed forty seeded damages of a whole file (the slow tests: eight hundred). What is damaged must be
BadData (65) or read; where a checksum can tell, it must be BadData or read as it was.
"""

import gzip
import io
import json
import random
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from aigc_cli.avatar.session import SessionLog, read_session, turn_record
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.disk.labels import label_record_of
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.disk.rundir import RunDir, open_for_training
from aigc_cli.core.errors import AigcError, BadConfig, BadData, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.dialogue import read_dialogues
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.pictures.images import prepare_images
from aigc_cli.data.pictures.imageset import open_image_set, open_picture_folder
from aigc_cli.data.samples import SampleFile, SampleFolder
from aigc_cli.data.text import prepare_text
from aigc_cli.gan.sampler import load_generator
from aigc_cli.gpt.decoding.decode import load_text_run
from aigc_cli.training.metrics import MetricsLog
from tests.data.test_epub import book

TALK = [
    {"id": number, "type": "message", "date_unixtime": str(1700000000 + 60 * number), "from": name, "from_id": name,
     "text": [f"words {number} ", {"type": "bold", "text": "é"}]}
    for number, name in enumerate(["user1", "user2"] * 20)
]  # fmt: skip
# What may be said of damaged input. UsageProblem: a damaged name can make it unclear who is meant.
SAID = (BadData, UsageProblem, NoInput, BadConfig)
THOROUGH = [1]


@pytest.fixture(params=[1, pytest.param(20, marks=pytest.mark.slow)], ids=["some", "many"], autouse=True)
def thorough(request):
    """How many times forty damages each test does."""
    THOROUGH[0] = request.param
    yield
    THOROUGH[0] = 1


def picture(seed, kind):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def damages(whole, count, seed):
    """Yield cut and altered versions of some bytes: truncated, bits flipped, a stretch overwritten, repeated."""
    choice = random.Random(seed)
    for number in range(count):
        data, place = bytearray(whole), choice.randrange(len(whole))
        if number % 4 == 0:
            del data[place:]
        elif number % 4 == 1:
            data[place] ^= 1 << choice.randrange(8)
        elif number % 4 == 2:
            data[place : place + 8] = choice.randbytes(8)
        else:
            data[place:place] = data[max(0, place - 40) : place]
        if data != whole:
            yield bytes(data)


def survives(path, read, said=SAID):
    """Damage a file again and again; return what the reader gave for those that it read."""
    whole, results = path.read_bytes(), []
    for data in damages(whole, 40 * THOROUGH[0], path.name):
        path.write_bytes(data)
        try:
            results.append(read())
        except said as problem:
            assert "\n" not in str(problem)
    path.write_bytes(whole)
    read()
    return results


def chat_log(folder, name):
    if name == "result.json":
        content = json.dumps({"name": "Ada", "type": "personal_chat", "id": 1, "messages": TALK})
    elif name == "talk.txt":
        content = "".join(f"{'Ada' if n % 2 else 'Bob'}: line {n}\n" for n in range(40))
    else:
        turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hey"}]
        content = "".join(json.dumps({"messages": turns * 3}) + "\n" for _ in range(6))
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize("name", ["result.json", "talk.txt", "talk.jsonl"])
def test_chat_logs(tmp_path, name):
    path = chat_log(tmp_path, name)
    settings = PrepareChatSettings(me="Assistant" if name == "talk.jsonl" else "Ada" if name == "talk.txt" else "user1")
    survives(path, lambda: prepare_chat([path], tmp_path / "out", settings, SilentProgress(), dry_run=True))


PAGE = "<html><body>" + "<p class='x'>Füße <b>und</b> &amp; 张三<br>" * 30


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.html", "a.epub"])
def test_texts(tmp_path, name):
    path = tmp_path / name
    text = ("Füße und 张三\n" * 50).encode()
    path.write_bytes({"a.txt": text, "a.txt.gz": gzip.compress(text), "a.html": PAGE.encode(), "a.epub": book()}[name])
    settings = PrepareTextSettings()
    survives(path, lambda: prepare_text([path], tmp_path / "out", settings, SilentProgress(), dry_run=True))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_pictures_among_others_are_dropped(tmp_path, kind):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / f"b.{kind.lower()}"
    (folder / "a.png").write_bytes(picture(1, "PNG"))
    path.write_bytes(picture(2, kind))
    settings = PrepareImagesSettings(size=16)

    def read():
        record = prepare_images([str(folder)], tmp_path / "out", settings, SilentProgress(), dry_run=True)
        assert sum(record["counts"].values()) + sum(record["dropped"].values()) == 2
        return record

    survives(path, read, said=())
    survives(path, lambda: open_picture_folder(folder))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_archives(tmp_path, name):
    path = tmp_path / name
    members = {f"in/{number}.png": picture(number, "PNG") for number in range(3)}
    if name == "a.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    else:
        with tarfile.open(path, f"w:{name.removeprefix('a.tar').removeprefix('.')}") as archive:
            for member, data in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    settings = PrepareImagesSettings(size=16)
    survives(path, lambda: prepare_images([str(path)], tmp_path / "out", settings, SilentProgress(), dry_run=True))


@pytest.fixture
def image_set(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(picture(number, "PNG"))
    prepare_images([str(folder)], tmp_path / "set", PrepareImagesSettings(size=16), SilentProgress())
    return tmp_path / "set"


def test_a_set_of_pictures_is_what_was_prepared(image_set):
    pixels = open_image_set(image_set).pixels.clone()
    results = survives(image_set / "pixels.safetensors", lambda: open_image_set(image_set).pixels.clone())
    assert all(torch.equal(result, pixels) for result in results)
    survives(image_set / "manifest.json", lambda: open_image_set(image_set))


def test_manifests(tmp_path):
    prepare_chat([chat_log(tmp_path, "talk.txt")], tmp_path / "set", PrepareChatSettings(me="Ada"), SilentProgress())
    survives(tmp_path / "set" / "manifest.json", lambda: read_manifest(tmp_path / "set", "chat"))
    survives(tmp_path / "set" / "train.jsonl", lambda: read_dialogues(tmp_path / "set" / "train.jsonl"))


def test_checkpoints(tmp_path):
    path, tensors = tmp_path / "state.safetensors", {"a": torch.arange(40.0), "b": torch.arange(8)}
    save_tensors(path, tensors)
    results = survives(path, lambda: {name: value.clone() for name, value in load_tensors(path).items()})
    assert all(result.keys() == tensors.keys() for result in results)
    assert all(torch.equal(result[name], tensors[name]) for result in results for name in tensors)


def copied(run, folder):
    folder.mkdir()
    for file in run.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.mark.parametrize("name", ["config.json", "generator.safetensors", "aigc.json"])
def test_face_runs(face_run, tmp_path, name):
    run = copied(face_run, tmp_path / "run")

    def read():
        sampler = load_generator(run)
        return sampler.pictures([0], 0, [0] if sampler.label_names else None)

    survives(run / name, read)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_text_runs(ada_run, tmp_path, name):
    run = copied(ada_run, tmp_path / "run")

    def read():
        text = load_text_run(run)
        text.tokenizer.decode(text.tokenizer.encode("hello, 张三"))

    survives(run / name, read)


def test_run_records(tmp_path):
    data = {"path": "d", "hash": "h"}
    open_for_training(tmp_path / "run", "face", {"seed": 1}, data, resume="auto", private=False)

    def read():
        return open_for_training(tmp_path / "run", "face", {"seed": 1}, data, resume="auto", private=False)

    survives(RunDir(tmp_path / "run").record_path, read)


def test_metrics(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": step, "loss": 0.5, "t": "9" * 40}) for step in range(20)]
    path.write_text("\n".join(lines) + "\n")

    def read():
        MetricsLog(path).cut_after(9)
        return [json.loads(line)["step"] for line in path.read_text().splitlines()]

    for steps in survives(path, read):
        assert max(steps, default=0) <= 9


def test_sessions(tmp_path):
    path = tmp_path / "s.jsonl"
    turns = [{"role": role, "content": f"hi {n}"} for n, role in enumerate(["user", "assistant"] * 5)]
    path.write_text("".join(json.dumps({"schema": "aigc.session/1", **turn}) + "\n" for turn in turns))

    def read():
        kept = read_session(path)
        with SessionLog(path) as log:
            log.write(kept)
        assert read_session(path) == kept
        return [turn_record(turn) for turn in kept]

    survives(path, read)


def test_samples(tmp_path):
    path = tmp_path / "a.jsonl"
    records = [label_record({"schema": "aigc.sample/1", "kind": "text", "index": n, "text": "é"}) for n in range(5)]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    survives(path, lambda: SampleFile(path), said=AigcError)


def test_sample_folders_make_damaged_pictures_again(tmp_path):
    folder = SampleFolder(tmp_path)
    items = [{"index": n, "seed": 0, "run_hash": "h" * 20, "label": None} for n in range(3)]
    for item in items:
        folder.add(item, torch.full((3, 4, 4), 9, dtype=torch.uint8))
    assert SampleFolder(tmp_path).missing(items) == []
    whole = (tmp_path / "samples.jsonl").read_bytes()

    def read():
        (tmp_path / "samples.jsonl").write_bytes(whole)
        return SampleFolder(tmp_path).missing(items)

    assert all(missing == [items[1]] for missing in survives(tmp_path / "000001.png", read))
    survives(tmp_path / "samples.jsonl", lambda: SampleFolder(tmp_path))


@pytest.mark.parametrize("name", ["a.png", "a.jsonl", "a.safetensors", "a.txt"])
def test_labels(tmp_path, name):
    path = tmp_path / name
    if name == "a.png":
        item = {"index": 0, "seed": 0, "run_hash": "h" * 20}
        SampleFolder(tmp_path).add(item, torch.zeros(3, 4, 4, dtype=torch.uint8))
        (tmp_path / "000000.png").rename(path)
    elif name == "a.safetensors":
        save_tensors(path, {"a": torch.ones(3)}, labelled=True)
    else:
        path.write_text(json.dumps(label_record({"schema": "aigc.reply/1", "reply": "hey"})) + "\n")
    survives(path, lambda: label_record_of(path, "x"))


def test_gguf_files(tmp_path, monkeypatch):
    pytest.importorskip("gguf")
    from aigc_cli.gpt.bases.gguf import import_gguf
    from tests.gpt.bases.test_gguf import write_gguf
    from tests.gpt.models import harsh_model

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "a.gguf"
    write_gguf(path, harsh_model("llama", width=32, mlp_width=64))
    survives(path, lambda: import_gguf(path))
