import io
import os
import tarfile
import zipfile

import pytest
from PIL import Image

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.pictures import archives
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
    assert source.others == {".txt": 1}
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
    ("content", "what"),
    [
        ((tarfile.SYMTYPE, "/etc/passwd"), "link out of it"),
        ((tarfile.SYMTYPE, "../../secret.png"), "link out of it"),
        ((tarfile.LNKTYPE, "/etc/passwd"), "link out of it"),
        ((tarfile.FIFOTYPE, ""), "device"),
        ((tarfile.CHRTYPE, ""), "device"),
    ],
)
def test_devices_and_links_out_of_an_archive_are_refused(tmp_path, content, what):
    make_tar(tmp_path / "x.tar", [("a/ok.png", b"1"), ("a/link.png", content)], "w")
    with pytest.raises(BadData, match=f"hostile.*{what}"):
        found(tmp_path / "x.tar")


def link_in_zip(name):
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    return link


def test_links_out_of_zip_archives_are_refused(tmp_path):
    make_zip(tmp_path / "x.zip", [(link_in_zip("link.png"), "/etc/passwd")])
    with pytest.raises(BadData, match="link out of it"):
        found(tmp_path / "x.zip")


LINKS = {
    "album/best.png": "duplicate",
    "album/chain.png": "duplicate",
    "album/gone.png": "a link to nothing",
    "album/round.png": "a link to nothing",
    "album/sad": "a link to a folder",
}


def test_links_within_an_archive_are_the_files_that_they_name(tmp_path):
    files = [("album/0.png", b"A"), ("album/deep/1.png", b"B")]
    make_tar(
        tmp_path / "x.tar.gz",
        [
            *files,
            ("album/best.png", (tarfile.LNKTYPE, "album/0.png")),
            ("album/chain.png", (tarfile.SYMTYPE, "best.png")),
            ("album/gone.png", (tarfile.SYMTYPE, "../lost.png")),
            ("album/round.png", (tarfile.SYMTYPE, "round.png")),
            ("album/sad", (tarfile.SYMTYPE, "deep")),
            ("album/notes", (tarfile.SYMTYPE, "lost.txt")),
        ],
    )
    targets = {"best.png": "0.png", "chain.png": "best.png", "gone.png": "../lost.png", "round.png": "round.png"}
    links = [(link_in_zip(f"album/{name}"), target) for name, target in targets.items()]
    make_zip(tmp_path / "x.zip", [*files, *links, (link_in_zip("album/sad"), "deep")])
    for name in ("x.tar.gz", "x.zip"):
        pictures = list(open_source(str(tmp_path / name)).pictures())
        assert [(raw.name, raw.data) for raw in pictures if not raw.problem] == files
        assert {raw.name: raw.problem for raw in pictures if raw.problem} == LINKS


def test_archive_bombs_are_refused_before_anything_is_yielded(tmp_path):
    bomb = bytes(8 * 1024**2)
    make_zip(tmp_path / "x.zip", [("ok.png", b"1"), ("bomb.png", bomb)])
    make_tar(tmp_path / "x.tar.gz", [("ok.png", b"1"), ("bomb.png", bomb)])
    for archive in ("x.zip", "x.tar.gz"):
        with pytest.raises(BadData, match="bomb"):
            next(open_source(str(tmp_path / archive)).pictures())


def test_too_large_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 10)
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


def declared(path, method=None, flag=0):
    """Rewrite a zip's headers so that its members are said to be packed in another way, or encrypted."""
    data = bytearray(path.read_bytes())
    for magic, at_flag, at_method in ((b"PK\1\2", 8, 10), (b"PK\3\4", 6, 8)):
        place = -1
        while (place := data.find(magic, place + 1)) >= 0:
            data[place + at_flag] |= flag
            if method is not None:
                data[place + at_method : place + at_method + 2] = method.to_bytes(2, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("method", "flag", "what", "remedy"),
    [
        (9, 0, "Deflate64", "pack it again"),
        (98, 0, "PPMd", "pack it again"),
        (77, 0, "a way that is not read", "pack it again"),
        (None, 1, "encrypted", "password"),
        (99, 1, "encrypted", "password"),
    ],
)
def test_zips_that_cannot_be_read_say_what_they_are(tmp_path, method, flag, what, remedy):
    make_zip(tmp_path / "x.zip", [("a.png", b"A" * 50), ("b.png", b"B" * 50), ("notes", b"?")])
    declared(tmp_path / "x.zip", method, flag)
    with pytest.raises(BadData, match=f"{what}.*{remedy}"):
        found(tmp_path / "x.zip")


def test_what_can_be_read_beside_what_cannot_is_read(tmp_path):
    make_zip(tmp_path / "x.zip", [("locked.png", b"A" * 50)])
    declared(tmp_path / "x.zip", flag=1)
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
        archive.writestr("open.png", b"B")
    pictures = list(open_source(str(tmp_path / "x.zip")).pictures())
    assert [(raw.name, raw.data, raw.problem) for raw in pictures] == [
        ("locked.png", b"", "encrypted"),
        ("open.png", b"B", ""),
    ]


@pytest.mark.parametrize(
    ("magic", "kind"), [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x00", "RAR"), (b"\x28\xb5\x2f\xfd", "Zstandard")]
)
def test_archives_of_other_kinds_are_named(tmp_path, magic, kind):
    (tmp_path / "photos").write_bytes(magic + bytes(600))
    with pytest.raises(BadData, match=f"a {kind} archive, which is not read"):
        found(tmp_path / "photos")


def encoded(kind, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (20, 20)).save(file, kind)
    return file.getvalue()


HEADS = [("PNG", "RGB"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGB"), ("PPM", "1")]


def test_contents_decide_what_is_a_picture_in_folders_and_archives(tmp_path):
    members = [(f"a/{kind.lower()}", encoded(kind, mode)) for kind, mode in HEADS]
    members += [("a/x.jfif", encoded("JPEG")), ("a/y.pbm", b"P4\n# made by hand\n20 20\n" + bytes(60))]
    others = [("a/BMI.txt", b"BMI is a number"), ("a/P1", b"P1 is a name"), ("a/empty", b""), ("a/notes.txt", b"x")]
    for name, data in [*members, *others]:
        (tmp_path / "set/a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    make_zip(tmp_path / "x.zip", members + others)
    make_tar(tmp_path / "x.tar.gz", members + others)
    expected = {name for name, _ in members}
    for name in ("set", "x.zip", "x.tar.gz"):
        assert {raw.name for raw in open_source(str(tmp_path / name)).pictures()} == expected, name
    assert open_source(str(tmp_path / "set")).others == {".txt": 2, "": 2}


@pytest.mark.parametrize("name", ["photos", "photos.jpg", "photos.zip", "photos.tar.gz"])
def test_contents_decide_what_is_an_archive(tmp_path, name):
    make_zip(tmp_path / name, [("a.png", b"A")])
    assert found(tmp_path / name) == [("a.png", "", b"A")]
    make_tar(tmp_path / name, [("b.png", b"B")])
    assert found(tmp_path / name) == [("b.png", "", b"B")]


def test_folders_of_a_zip_from_windows_are_folders(tmp_path):
    make_zip(tmp_path / "x.zip", [("sad\\a.png", b"A"), ("glad\\b.png", b"B")])
    assert found(tmp_path / "x.zip") == [("sad/a.png", "sad", b"A"), ("glad/b.png", "glad", b"B")]


def test_names_that_are_no_utf_8_and_letters_as_macs_write_them(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / os.fsdecode(b"fr\xf6hlich")).mkdir()
    (tmp_path / "x" / os.fsdecode(b"fr\xf6hlich/caf\xe9.png")).write_bytes(b"1")
    (tmp_path / "x" / "traurig u\u0308ber").mkdir()
    (tmp_path / "x" / "traurig u\u0308ber" / "2.png").write_bytes(b"2")
    assert found(tmp_path / "x") == [
        ("fr\\xf6hlich/caf\\xe9.png", "fr\\xf6hlich", b"1"),
        ("traurig u\u0308ber/2.png", "traurig über", b"2"),
    ]
    make_tar(tmp_path / "x.tar", [(os.fsdecode(b"caf\xe9/\xe8.png"), b"3")], "w")
    assert [raw.name for raw in open_source(str(tmp_path / "x.tar")).pictures()] == ["caf\\xe9/\\xe8.png"]


def test_the_digest_of_before_is_of_pictures_by_name_and_without_links(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.png").write_bytes(b"1")
    plain = open_source(str(tmp_path / "x"))
    assert plain.former_record() == plain.record()
    (tmp_path / "x/b.jfif").write_bytes(encoded("JPEG"))
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/c.png").write_bytes(b"2")
    (tmp_path / "x/linked").symlink_to(tmp_path / "disk")
    more = open_source(str(tmp_path / "x"))
    assert len(list(more.pictures())) == 3
    assert more.former_record() == plain.record() != more.record()
