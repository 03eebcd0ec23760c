import io
import json

import pytest
import torch
from PIL import Image

from aigc_cli.core.disk.provenance import label_record, read_png_label, read_record_label
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate
from aigc_cli.data.samples import SampleFile, SampleFolder, encode_png, grid_of

PICTURE = torch.arange(48, dtype=torch.uint8).reshape(3, 4, 4)


def faces(*indices, **changes):
    item = {"seed": 0, "label": "sad", "truncation": 1.0, "batch_size": 4, "run_hash": "f" * 64, **changes}
    return [{"index": index, **item} for index in indices]


def texts(*indices, **changes):
    item = {"seed": 0, "prompt": "hi", "settings": {"temperature": 1}, "batch_size": 4, "run_hash": "f", **changes}
    records = [{"schema": "aigc.sample/1", "kind": "text", "index": index, **item} for index in indices]
    return [label_record(record) for record in records]


def indices_of(items):
    return [item["index"] for item in items]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_png_has_the_pixels_and_the_label(channels, mode):
    picture = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
    png = encode_png(picture, "run.0.1")
    assert read_png_label(png)["AIGC"]["ProduceID"] == "run.0.1"
    with Image.open(io.BytesIO(png)) as image:
        assert (image.mode, image.size) == (mode, (7, 5))
        assert image.tobytes() == picture.permute(1, 2, 0).numpy().tobytes()


def test_a_grid_keeps_every_pixel_and_the_rest_is_white():
    pictures = torch.randint(0, 200, (5, 1, 3, 3), dtype=torch.uint8)
    grid = grid_of(pictures, columns=2)
    assert grid.shape == (1, 3 * 3 + 4 * 2, 2 * 3 + 3 * 2)
    assert torch.equal(grid[:, 7:10, 7:10], pictures[3])
    assert torch.equal(grid[grid < 200].sort().values, pictures.flatten().sort().values)


class TestFolder:
    def test_what_was_added_is_not_missing(self, tmp_path):
        samples = SampleFolder(tmp_path)
        assert indices_of(samples.missing(faces(3, 4))) == [3, 4]
        samples.add(faces(3)[0], PICTURE)
        again = SampleFolder(tmp_path)
        assert indices_of(again.missing(faces(3, 4))) == [4]
        [record] = again.records([3])
        assert read_record_label(record) == read_png_label((tmp_path / record["file"]).read_bytes())

    @pytest.mark.parametrize("name", ["seed", "label", "truncation", "batch_size", "run_hash"])
    def test_an_item_made_otherwise_is_refused(self, name, tmp_path):
        SampleFolder(tmp_path).add(faces(0)[0], PICTURE)
        with pytest.raises(BadConfig, match=f"item 0 is there with {name}"):
            SampleFolder(tmp_path).missing(faces(0, **{name: "other"}))

    def test_other_files_are_refused(self, tmp_path):
        (tmp_path / "000000.png").write_text("mine")
        with pytest.raises(CannotCreate, match="other files"):
            SampleFolder(tmp_path).missing(faces(0))

    def test_a_kill_before_the_first_line_is_no_obstacle(self, tmp_path):
        SampleFolder(tmp_path).add(faces(0)[0], PICTURE)
        (tmp_path / "samples.jsonl").write_text("")
        (tmp_path / ".000001.png.x.part").write_text("half")
        assert indices_of(SampleFolder(tmp_path).missing(faces(0, 1))) == [0, 1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["000000.png", "samples.jsonl"]

    @pytest.mark.parametrize("cut", [1, 2, 100])
    def test_a_torn_line_is_cut_off(self, cut, tmp_path):
        samples = SampleFolder(tmp_path)
        for item in faces(0, 1):
            samples.add(item, PICTURE)
        index = tmp_path / "samples.jsonl"
        whole = index.read_text()
        index.write_text(whole[:-cut])
        samples = SampleFolder(tmp_path)
        for item in samples.missing(faces(0, 1)):
            samples.add(item, PICTURE)
        assert index.read_text() == whole


class TestFile:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "texts.jsonl"
        path.touch()
        samples = SampleFile(path)
        for record in texts(4, 5, 6):
            samples.add(record)
        return path

    def test_what_was_added_is_not_missing(self, path):
        assert indices_of(SampleFile(path).missing(texts(3, 4, 5, 6, 7))) == [3, 7]

    @pytest.mark.parametrize("name", ["seed", "prompt", "settings", "batch_size", "run_hash"])
    def test_an_item_made_otherwise_is_refused(self, name, path):
        with pytest.raises(BadConfig, match=f"item 4 is there with {name}"):
            SampleFile(path).missing(texts(4, **{name: "other"}))

    def test_a_torn_line_is_cut_off_wherever_it_is_torn(self, path):
        whole = path.read_bytes()
        start = whole.rindex(b"\n", 0, -1) + 1
        for end in range(start, len(whole)):
            path.write_bytes(whole[:end])
            assert indices_of(SampleFile(path).missing(texts(4, 5, 6))) == [6]
            assert path.read_bytes() == whole[:start]

    @pytest.mark.parametrize(
        "content", ["dear diary", "dear\ndiary\n", "[]\n", '{"schema": "aigc.sample/1", "kind": "face"}\n']
    )
    def test_something_else_is_left_alone(self, content, path):
        path.write_text(content)
        with pytest.raises(CannotCreate, match="something else"):
            SampleFile(path)
        assert path.read_text() == content

    def test_a_broken_line_in_the_middle_is_bad_data(self, path):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text(lines[0] + lines[1][:60] + "\n" + lines[2])
        with pytest.raises(BadData, match="line 2"):
            SampleFile(path)

    def test_lines_are_json(self, path):
        assert [json.loads(line) for line in path.read_text().splitlines()] == texts(4, 5, 6)
