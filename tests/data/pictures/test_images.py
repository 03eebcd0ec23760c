import io
import json
import os
import resource
import stat
import zipfile

import pytest
import torch
from PIL import Image

from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.train_gan import ARCHITECTURES
from aigc_cli.core.disk.files import sha256_file
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, NoInput, UsageProblem
from aigc_cli.data.pictures.images import held_out, prepare_images
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.architectures.networks import check_size
from tests.data.pictures.profiles import P3, rgb_profile


class Listener:
    """A progress that remembers what was said."""

    def __init__(self):
        self.said = []

    def stage(self, title, total, unit=""):
        pass

    def advance(self, amount=1, note=""):
        pass

    def say(self, line):
        self.said.append(line)

    def close(self):
        pass


def colour(index):
    return (index * 37 % 256, index * 91 % 256, index * 13 % 256)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for index in range(20):
        place = folder / ("glad" if index % 2 else "sad")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), colour(index)).save(place / f"{index:02}.png")
    return folder


def prepare(sources, out, *, progress=None, force=False, dry_run=False, **settings):
    settings = PrepareImagesSettings(**{"size": 16, **settings})
    names = [str(source) for source in sources]
    return prepare_images(names, out, settings, progress or Listener(), force=force, dry_run=dry_run)


def files_below(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_becomes_a_set_that_reads_back(photos, tmp_path):
    record = prepare([photos], tmp_path / "set", labels="folders", subject="Ada", consent="permission")
    assert record["counts"] == {"train": 18, "valid": 2}
    assert record["schema"] == "aigc.prepare/1"
    opened = open_image_set(tmp_path / "set")
    assert opened.label_names == ("glad", "sad")
    assert opened.pixels.shape == (20, 3, 16, 16)
    assert int(opened.is_valid.sum()) == 2
    lines = [json.loads(line) for line in (tmp_path / "set/images.jsonl").read_text().splitlines()]
    for index, line in enumerate(lines):
        number = int(line["source"][-6:-4])
        assert opened.pixels[index].permute(1, 2, 0)[5, 5].tolist() == list(colour(number))
        assert opened.label_names[opened.labels[index]] == line["label"] == ("glad" if number % 2 else "sad")
        with Image.open(tmp_path / "set" / line["file"]) as image:
            assert image.getpixel((3, 3)) == colour(number)
        assert line["valid"] == bool(opened.is_valid[index])
    assert opened.manifest["subject"] == "Ada"
    assert opened.manifest["sources"][0]["path"] == "photos"
    assert opened.manifest["label_counts"] == {"glad": 10, "sad": 10}


def test_sets_of_photographs_are_private(photos, tmp_path):
    prepare([photos], tmp_path / "set")
    for path in [tmp_path / "set", *(tmp_path / "set").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_folders_are_no_labels_unless_asked(photos, tmp_path):
    assert prepare([photos], tmp_path / "set")["label_names"] == []
    assert open_image_set(tmp_path / "set").labels is None


def test_pictures_outside_subfolders_have_no_label(photos, tmp_path):
    Image.new("RGB", (40, 30), "white").save(photos / "loose.png")
    with pytest.raises(BadData, match="1 pictures lie in no subfolder"):
        prepare([photos], tmp_path / "set", labels="folders")
    assert not (tmp_path / "set").exists()


def test_broken_files_are_counted_by_reason_named_and_skipped(photos, tmp_path):
    whole = (photos / "sad/00.png").read_bytes()
    (photos / "sad/cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "sad/text.jpg").write_text("hello")
    (photos / "sad/again.png").write_bytes(whole)
    (photos / "notes.txt").write_text("hello")
    Image.new("RGB", (5, 5)).save(photos / "glad/tiny.png")
    Image.new("1", (1200, 1000)).save(photos / "glad/huge.png")
    listener = Listener()
    record = prepare([photos], tmp_path / "set", progress=listener, max_megapixels=1.0)
    assert record["counts"] == {"train": 18, "valid": 2}
    assert record["dropped"] == {
        "duplicate": 1,
        "not a picture": 1,
        "other file type": 1,
        "too many pixels": 1,
        "too small": 1,
        "truncated": 1,
    }
    assert any("sad/cut.png: truncated" in line for line in listener.said)


def test_a_single_truncated_picture_is_bad_data_and_leaves_nothing(tmp_path):
    Image.effect_noise((40, 40), 50).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    with pytest.raises(BadData, match="1 truncated"):
        prepare([tmp_path / "a.png"], tmp_path / "set")
    assert files_below(tmp_path) == ["a.png"]


def test_empty_and_missing_sources(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInput, match="empty folder"):
        prepare([tmp_path / "empty"], tmp_path / "set")
    with pytest.raises(NoInput):
        prepare([], tmp_path / "set")


def test_a_rerun_changes_nothing_and_says_so(photos, tmp_path):
    first = prepare([photos], tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")}
    listener = Listener()
    second = prepare([photos], tmp_path / "set", progress=listener)
    assert second == {**first, "unchanged": True}
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")} == before
    assert "nothing to do" in listener.said[-1]


def test_another_set_is_replaced_only_by_force(photos, tmp_path):
    prepare([photos], tmp_path / "set")
    digest = sha256_file(tmp_path / "set/pixels.safetensors")
    with pytest.raises(BadConfig, match="--force"):
        prepare([photos], tmp_path / "set", size=8)
    assert sha256_file(tmp_path / "set/pixels.safetensors") == digest
    prepare([photos], tmp_path / "set", size=8, force=True)
    assert open_image_set(tmp_path / "set").size == 8
    assert files_below(tmp_path) == ["photos", "set"]


def test_what_is_not_a_set_is_never_replaced(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(CannotCreate, match="not a prepared set"):
            prepare([photos], tmp_path / "out", force=force)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotCreate, match="not a folder"):
        prepare([photos], tmp_path / "file")
    assert (tmp_path / "out/precious.txt").read_text() == "mine"


def test_a_dry_run_counts_and_writes_nothing(photos, tmp_path):
    record = prepare([photos], tmp_path / "set", dry_run=True)
    assert record["dry_run"]
    assert record["counts"] == {"train": 18, "valid": 2}
    assert files_below(tmp_path) == ["photos"]


def test_a_failure_while_writing_leaves_nothing(photos, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # enough for each picture, not for their list
    try:
        with pytest.raises(CannotCreate, match="File too large"):
            prepare([photos], tmp_path / "set")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_below(tmp_path) == ["photos"]


def test_hostile_archives_leave_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../evil.png", "x")
    with pytest.raises(BadData, match="hostile"):
        prepare([tmp_path / "x.zip"], tmp_path / "set")
    assert files_below(tmp_path) == ["x.zip"]


def test_the_split_is_of_the_asked_size_and_moves_little_when_pictures_are_added():
    digests = [f"{(index * 2654435761) % 2**32:08x}" for index in range(200)]
    split = held_out(digests, 0.1)
    assert sum(split) == 20
    more = held_out([*digests, "00000000"], 0.1)
    assert sum(a != b for a, b in zip(split, more, strict=False)) <= 1
    assert held_out(digests[::-1], 0.1) == split[::-1]
    assert not any(held_out(digests, 0.0))
    assert sum(held_out(digests[:12], 0.01)) == 1


def test_drawn_faces_are_labelled_credited_and_synthetic(tmp_path):
    pytest.importorskip("resvg_py", reason="the [demo] extra is not installed")
    record = prepare(["dicebear:dylan"], tmp_path / "set", count=15)
    assert record["counts"] == {"train": 13, "valid": 2}
    assert record["label_counts"] == dict.fromkeys(("neutral", "smile", "laugh", "sad", "angry"), 3)
    assert record["consent"] == "synthetic"
    assert "Natalia Spivak" in record["credit"][0]
    opened = open_image_set(tmp_path / "set")
    assert opened.labels.tolist() == [0, 1, 2, 3, 4] * 3
    assert torch.equal(opened.pixels, opened.pixels.contiguous())
    assert prepare(["dicebear:dylan"], tmp_path / "set", count=15)["unchanged"]


def test_count_belongs_to_drawn_faces(photos, tmp_path):
    with pytest.raises(UsageProblem, match="--count"):
        prepare([photos], tmp_path / "set", count=5)


def test_profiles_are_counted_in_the_manifest_and_said(tmp_path):
    (tmp_path / "x").mkdir()
    for index, profile in enumerate((rgb_profile(P3), rgb_profile(P3), b"junk" * 40, None)):
        Image.new("RGB", (40, 30), (200, 90, 60 + 40 * index)).save(tmp_path / f"x/{index}.png", icc_profile=profile)
    listener = Listener()
    record = prepare([tmp_path / "x"], tmp_path / "set", progress=listener)
    assert record["profiles"] == {"converted": 2, "ignored": 1}
    assert open_image_set(tmp_path / "set").manifest["profiles"] == record["profiles"]
    assert "2 pictures were brought to sRGB by their profiles" in listener.said
    assert any(line.startswith("1 pictures have a colour profile that cannot be applied") for line in listener.said)


def test_a_linked_folder_is_a_label_and_one_passed_over_is_named(photos, tmp_path):
    (photos / "glad").rename(tmp_path / "elsewhere")
    (photos / "glad").symlink_to(tmp_path / "elsewhere")
    (photos / "angry").symlink_to(tmp_path / "unplugged")
    (photos / "sad/all").symlink_to(photos)
    listener = Listener()
    record = prepare([photos], tmp_path / "set", progress=listener, labels="folders")
    assert record["label_counts"] == {"glad": 10, "sad": 10}
    assert f"passed over {photos / 'angry'}: a link to nothing" in listener.said
    assert f"passed over {photos / 'sad/all'}: a link to a folder that holds it" in listener.said


def test_a_set_is_not_made_inside_what_a_source_links_to(photos, tmp_path):
    (photos / "sad").rename(tmp_path / "elsewhere")
    (photos / "sad").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageProblem, match="which it is made from"):
        prepare([photos], tmp_path / "elsewhere/set")


def test_files_that_are_no_pictures_are_named_by_their_endings(photos, tmp_path):
    for name in ("a.txt", "b.txt", "c.heic"):
        (photos / name).write_text("no picture")
    listener = Listener()
    record = prepare([photos], tmp_path / "set", progress=listener)
    assert record["dropped"] == {"other file type": 3}
    assert f"{photos}: 3 files are no pictures (.txt 2, .heic 1)" in listener.said


def test_labels_and_names_that_are_no_utf_8(photos, tmp_path):
    (photos / "sad").rename(photos / os.fsdecode(b"tr\xfcbe"))
    (photos / "glad/00.png").write_bytes(b"no picture")
    (photos / "glad/00.png").rename(photos / "glad" / os.fsdecode(b"caf\xe9.png"))
    listener = Listener()
    record = prepare([photos], tmp_path / "set", progress=listener, labels="folders")
    assert record["label_names"] == ["glad", "tr\\xfcbe"]
    assert "skipped glad/caf\\xe9.png: not a picture" in listener.said
    lines = [json.loads(line) for line in (tmp_path / "set/images.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["source"].split("/")[0] for line in lines} == {"glad", "tr\\xfcbe"}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (32, ""),
        (48, "train-gan makes 16, 32, 64, 128, 256 pixels; 48 with --arch mlp alone"),
        (50, "train-gan makes 16, 32, 64, 128, 256 pixels, not 50"),
    ],
)
def test_a_size_that_few_or_no_trainings_take_is_said_before_the_work(photos, tmp_path, size, said):
    listener = Listener()
    prepare([photos], tmp_path / "set", progress=listener, size=size)
    assert (listener.said[:1] == [said]) == bool(said)
    takes = [arch for arch in ARCHITECTURES if can_make(arch, size)]
    assert takes == ([*ARCHITECTURES] if not said else ["mlp"] if "mlp" in said else [])


def can_make(arch, size):
    try:
        check_size(arch, size)
    except UsageProblem:
        return False
    return True


def test_a_set_through_a_link_is_made_once(photos, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert not prepare([photos], tmp_path / "link")["unchanged"]
    assert open_image_set(tmp_path / "disk").size == 16
    assert prepare([photos], tmp_path / "link")["unchanged"]


def test_a_set_of_the_version_before_stays_and_says_what_it_lacks(photos, tmp_path):
    prepare([photos], tmp_path / "set")
    before = {path: path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(file, "JPEG")
    (photos / "more.jfif").write_bytes(file.getvalue())  # what the version before did not see in the folder
    listener = Listener()
    assert prepare([photos], tmp_path / "set", progress=listener)["unchanged"]
    assert {path: path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()} == before
    assert listener.said[0].endswith("made by a version that read fewer of these pictures; --force reads all")
    assert prepare([photos], tmp_path / "set", force=True)["counts"] == {"train": 19, "valid": 2}
    with pytest.raises(BadConfig, match="--force"):
        (photos / "more.png").write_bytes(file.getvalue())
        prepare([photos], tmp_path / "set")
