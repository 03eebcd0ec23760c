"""Files made to do harm are refused before they do: what runs code, explodes, escapes, lies about itself, or steers."""

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from aigc_cli.avatar.session import read_session
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.core.words.plain import one_line
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.images import prepare_images
from aigc_cli.data.pictures.imageset import open_image_set, open_picture_folder
from aigc_cli.data.pictures.picture import SquareShape, decode_png, square_picture
from aigc_cli.data.pictures.sources import open_source
from aigc_cli.data.text import prepare_text
from aigc_cli.gan.sampler import load_generator
from aigc_cli.gpt.bases.hf import config_from_json, read_model
from aigc_cli.gpt.decoding.decode import load_text_run
from aigc_cli.gpt.trainer import model_folder

QUIET = SilentProgress()
SHAPE = SquareShape(size=16, mode="RGB", min_side=8, max_pixels=50e6)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def copied(run, folder):
    folder.mkdir()
    for file in run.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def png(width, height, *extra):
    """Return a black PNG with more chunks, without having its pixels in memory at once."""
    squeeze = zlib.compressobj()
    row = b"\0" + bytes((width + 7) // 8)
    packed = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


class TestPickles:
    @pytest.fixture(params=["pickle", "torch"])
    def trapped(self, request, tmp_path):
        """A file that runs code where it is unpickled; the test fails if it did."""
        path = tmp_path / "trap.pt"
        if request.param == "torch":
            torch.save({"x": Trap(tmp_path / "sprung")}, path)
        else:
            path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
        yield path
        assert not (tmp_path / "sprung").exists()

    def test_are_no_pictures_logs_texts_models_or_sessions(self, trapped, tmp_path):
        out, name = tmp_path / "out", str(trapped)
        for read in (
            lambda: prepare_images([name], out, PrepareImagesSettings(), QUIET),
            lambda: prepare_chat([name], out, PrepareChatSettings(), QUIET),
            lambda: prepare_text([name], out, PrepareTextSettings(), QUIET),
            lambda: model_folder(name),
            lambda: load_tensors(trapped),
            lambda: read_session(trapped),
        ):
            with pytest.raises(AigcError) as refusal:
                read()
            assert refusal.value.exit_code in (65, 66)
        assert not out.exists()

    def test_are_no_weights_of_a_run(self, trapped, face_run, ada_run, tmp_path):
        face, text = copied(face_run, tmp_path / "face"), copied(ada_run, tmp_path / "text")
        (face / "generator.safetensors").write_bytes(trapped.read_bytes())
        (text / "model.safetensors").write_bytes(trapped.read_bytes())
        with pytest.raises(BadData):
            load_generator(face)
        with pytest.raises(BadData):
            load_text_run(text)

    def test_unpickling_would_have_sprung_the_trap(self, tmp_path):
        pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
        assert (tmp_path / "sprung").exists()


class TestBombs:
    def test_pictures_of_too_many_pixels_are_not_decoded(self):
        bomb = png(40_000, 40_000)
        assert len(bomb) < 300_000
        for read in (lambda: square_picture(bomb, SHAPE), lambda: decode_png(bomb)):
            with pytest.raises(Unusable, match="too many pixels"):
                read()

    @pytest.mark.parametrize("keyword", [b"XML:com.adobe.xmp", b"Comment"])
    def test_text_chunks_that_unpack_to_much_make_a_picture_unusable_at_most(self, keyword, tmp_path):
        text = zlib.compress(bytes(80_000_000))
        for chunk in ((b"iTXt", keyword + b"\0\1\0\0\0" + text), (b"zTXt", keyword + b"\0\0" + text)):
            data = png(16, 16, chunk)
            try:
                assert len(square_picture(data, SHAPE).pixels) == 16 * 16 * 3
            except Unusable as problem:
                assert str(problem) == "broken"

    def test_many_small_members_that_unpack_to_much(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(40):
                archive.writestr(f"{number}.png", bytes(190_000))
        with pytest.raises(BadData, match="bomb"):
            list(open_source(str(tmp_path / "a.zip")).pictures())

    def test_headers_of_a_tar_that_unpack_to_much(self, tmp_path):
        header = tarfile.TarInfo("pax")
        header.type, header.size = tarfile.XHDTYPE, 1 << 36
        with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
            file.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16))
        with pytest.raises(BadData, match="bomb"):
            list(open_source(str(tmp_path / "a.tar.gz")).pictures())


class TestEndlessInput:
    @pytest.fixture(params=["pipe", "/dev/zero"])
    def endless(self, request, tmp_path):
        """A pipe that nobody writes, or a device that never ends."""
        if request.param == "pipe":
            os.mkfifo(tmp_path / "pipe")
            return str(tmp_path / "pipe")
        return request.param

    def test_is_refused(self, endless, tmp_path):
        out = tmp_path / "out"
        for read in (
            lambda: prepare_images([endless], out, PrepareImagesSettings(), QUIET),
            lambda: prepare_chat([endless], out, PrepareChatSettings(), QUIET),
            lambda: prepare_text([endless], out, PrepareTextSettings(), QUIET),
            lambda: read_session(Path(endless)),
        ):
            with pytest.raises(BadData, match="device or pipe"):
                read()

    def test_in_a_folder_is_passed_over(self, tmp_path):
        os.mkfifo(tmp_path / "a.png")
        (tmp_path / "b.png").write_bytes(png(16, 16))
        source = open_source(str(tmp_path))
        assert [picture.name for picture in source.pictures()] == ["b.png"]
        assert open_picture_folder(tmp_path).names == ("b.png",)


class TestWeightsThatLie:
    @pytest.mark.parametrize(
        "entries",
        [
            {"a": ("F32", [4], [0, 16]), "b": ("F32", [4], [8, 24])},
            {"a": ("F32", [4], [0, 1 << 40])},
            {"a": ("F32", [4], [16, 32])},
            {"a": ("F32", [4], [16, 0])},
            {"a": ("F32", [1 << 62, 4], [0, 16])},
            {"a": ("F32", [-4], [0, 16])},
            {"a": ("F999", [4], [0, 16])},
        ],
    )
    def test_headers_are_refused(self, entries, tmp_path):
        keys = ("dtype", "shape", "data_offsets")
        header = json.dumps({name: dict(zip(keys, entry, strict=True)) for name, entry in entries.items()}).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        with pytest.raises(BadData, match=r"a\.safetensors"):
            load_tensors(path)

    @pytest.mark.parametrize(
        "change",
        [
            {"num_hidden_layers": 10**9},
            {"num_hidden_layers": 9_000},
            {"hidden_size": 10**12},
            {"vocab_size": 10**12},
            {"hidden_size": 1 << 20, "intermediate_size": 1 << 24},
            {"num_attention_heads": 0},
            {"num_key_value_heads": -1},
            {"rope_theta": float("nan"), "rope_parameters": None},
            {"rope_parameters": [1, 2, 3]},
            {"max_position_embeddings": 10**30},
        ],
    )
    def test_models_of_impossible_size_are_refused_before_memory_is_taken(self, change, ada_run, tmp_path):
        run = copied(ada_run, tmp_path / "run")
        config = json.loads((run / "config.json").read_text())
        (run / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(BadData):
            read_model(run)

    @pytest.mark.parametrize(
        "change",
        [
            {"width": 1e9},
            {"z_dim": 10**12},
            {"size": 10**9},
            {"size": 16.5},
            {"arch": []},
            {"modulation": "__class__"},
            {"modulation": None},
            {"modulation": ["adain"]},
        ],
    )
    def test_generators_of_impossible_size_too(self, change, face_run, tmp_path):
        run = copied(face_run, tmp_path / "run")
        config = json.loads((run / "config.json").read_text())
        (run / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(BadData):
            load_generator(run)

    def test_a_vocabulary_with_ids_beyond_the_model(self, ada_run, tmp_path):
        run = copied(ada_run, tmp_path / "run")
        values = json.loads((run / "tokenizer.json").read_text())
        values["added_tokens"].append({**values["added_tokens"][0], "id": 10**9, "content": "<|far|>"})
        values["model"]["vocab"]["<|far|>"] = 10**9
        (run / "tokenizer.json").write_text(json.dumps(values))
        with pytest.raises(BadData, match="tokenizer"):
            load_text_run(run)

    def test_a_shard_outside_its_folder(self, ada_run, tmp_path):
        run = copied(ada_run, tmp_path / "run")
        save_file({"x": torch.ones(1)}, str(tmp_path / "outside.safetensors"))
        for names in (["../outside.safetensors"], [str(tmp_path / "outside.safetensors")], [5], {}):
            (run / "model.safetensors.index.json").write_text(json.dumps({"weight_map": dict(enumerate(names))}))
            with pytest.raises(AigcError):
                read_model(run)


class TestNestingAndNumbers:
    @pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"messages": ' + "9" * 5_000 + "}"])
    def test_json_everywhere(self, text, face_run, ada_run, tmp_path):
        path = tmp_path / "a.json"
        path.write_text(text)
        with pytest.raises(BadData):
            prepare_chat([path], tmp_path / "out", PrepareChatSettings(), QUIET)
        with pytest.raises(BadData):
            config_from_json(path)
        for name in ("config.json", "aigc.json"):
            run = copied(face_run, tmp_path / f"face-{name}")
            (run / name).write_text(text)
            with pytest.raises(BadData):
                load_generator(run)
        run = copied(ada_run, tmp_path / "text")
        (run / "tokenizer.json").write_text(text)
        with pytest.raises(BadData):
            load_text_run(run)
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "manifest.json").write_text(text)
        with pytest.raises(BadData):
            open_image_set(tmp_path / "set")


class TestNamesThatSteer:
    NAME = "\x1b[2J\x9b1;31m\r\nevil\x07.png"

    def test_errors_are_one_plain_line(self, tmp_path):
        (tmp_path / self.NAME).write_bytes(b"no picture")
        with pytest.raises(AigcError) as refusal:
            open_picture_folder(tmp_path)
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in str(refusal.value))
        assert "evil" in str(refusal.value)

    def test_archives_name_their_members_in_ascii(self, tmp_path):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("../\x1b[2J.png", b"x")
        (tmp_path / "a.zip").write_bytes(file.getvalue())
        with pytest.raises(BadData, match="escape") as refusal:
            list(open_source(str(tmp_path / "a.zip")).pictures())
        assert "\x1b" not in str(refusal.value)

    def test_one_line_is_what_keeps_it_so(self):
        assert one_line(self.NAME) == "[2J1;31m evil.png"
