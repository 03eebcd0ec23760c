import io
import tarfile
import zipfile

import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.pictures import sources as image_sources
from aigc_cli.data.pictures.sources import open_source


def make_tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def found(path):
    return [(raw.name, raw.folder, raw.data) for raw in open_source(str(path)).pictures()]


def test_folders_are_read_recursively_and_sorted_without_hidden_and_other_files(tmp_path):
    for name in ("b/two.JPG", "a/x/one.png", "zero.webp", ".hidden.png", ".git/no.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    source = open_source(str(tmp_path))
    assert found(tmp_path) == [
        ("a/x/one.png", "a", b"a/x/one.png"),
        ("b/two.JPG", "b", b"b/two.JPG"),
        ("zero.webp", "", b"zero.webp"),
    ]
    assert source.other_files == 1
    assert source.record()["path"] == tmp_path.name


def test_the_digest_follows_content_and_names(tmp_path):
    (tmp_path / "a.png").write_bytes(b"1")
    first = open_source(str(tmp_path)).sha256
    (tmp_path / "notes.txt").write_text("not a picture")
    assert open_source(str(tmp_path)).sha256 == first
    (tmp_path / "a.png").write_bytes(b"2")
    changed = open_source(str(tmp_path)).sha256
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert len({first, changed, open_source(str(tmp_path)).sha256}) == 3


def test_missing_and_empty_sources(tmp_path):
    with pytest.raises(NoInput, match="no such"):
        open_source(str(tmp_path / "nothing"))
    with pytest.raises(NoInput, match="empty folder"):
        open_source(str(tmp_path))
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(NoInput, match="1 files, but no pictures"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz", "set.tgz"])
def test_archives_give_their_pictures_and_ignore_one_common_folder(tmp_path, name):
    members = [
        ("faces/sad/a.png", b"A"),
        ("faces/glad/b.jpg", b"B"),
        ("faces/readme.md", b"?"),
        ("__MACOSX/._a.png", b""),
    ]
    path = tmp_path / name
    if name.endswith("zip"):
        make_zip(path, members)
    else:
        make_tar(path, members, "w" if name.endswith(".tar") else "w:gz")
    assert found(path) == [("faces/sad/a.png", "sad", b"A"), ("faces/glad/b.jpg", "glad", b"B")]


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"])
def test_escaping_names_are_refused(tmp_path, name):
    make_zip(tmp_path / "x.zip", [("ok.png", b"1"), (name, b"2")])
    make_tar(tmp_path / "x.tar.gz", [("ok.png", b"1"), (name, b"2")])
    for archive in ("x.zip", "x.tar.gz"):
        with pytest.raises(BadData, match="escape"):
            found(tmp_path / archive)


@pytest.mark.parametrize(
    "content", [(tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "ok.png"), (tarfile.FIFOTYPE, "")]
)
def test_links_and_devices_are_refused(tmp_path, content):
    make_tar(tmp_path / "x.tar", [("ok.png", b"1"), ("link.png", content)], "w")
    with pytest.raises(BadData, match="link or device"):
        found(tmp_path / "x.tar")


def test_links_in_zip_archives_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    make_zip(tmp_path / "x.zip", [(link, "/etc/passwd")])
    with pytest.raises(BadData, match="is a link"):
        found(tmp_path / "x.zip")


def test_archive_bombs_are_refused_before_anything_is_yielded(tmp_path):
    bomb = bytes(8 * 1024**2)
    make_zip(tmp_path / "x.zip", [("ok.png", b"1"), ("bomb.png", bomb)])
    make_tar(tmp_path / "x.tar.gz", [("ok.png", b"1"), ("bomb.png", bomb)])
    for archive in ("x.zip", "x.tar.gz"):
        with pytest.raises(BadData, match="bomb"):
            next(open_source(str(tmp_path / archive)).pictures())


def test_too_large_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_sources, "MAX_MEMBER_BYTES", 10)
    make_tar(tmp_path / "x.tar", [("a.png", b"12345678901")], "w")
    with pytest.raises(BadData, match="11 bytes"):
        found(tmp_path / "x.tar")


def test_truncated_archives_are_bad_data(tmp_path):
    make_zip(tmp_path / "x.zip", [("a.png", bytes(range(256)) * 8)])
    make_tar(tmp_path / "x.tar.gz", [("a.png", bytes(range(256)) * 8)])
    for name in ("x.zip", "x.tar.gz"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-60])
        with pytest.raises(BadData, match="not a whole"):
            found(path)


def test_a_damaged_member_is_bad_data(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.png", b"CONTENT")
    data = (tmp_path / "x.zip").read_bytes().replace(b"CONTENT", b"CONTEND", 1)
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(BadData, match="CRC"):
        found(tmp_path / "x.zip")
