"""Folders are entered once, whatever links lead to them."""

import os

import pytest

from aigc_cli.core.errors import NoInput
from aigc_cli.data.walk import files_below, readable_name, walk


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def found(root):
    return [str((listing.folder / name).relative_to(root)) for listing in walk(root) for name in listing.files]


def test_links_to_folders_are_followed_and_what_needs_none_comes_first(tmp_path):
    make(tmp_path, "texts/a.txt", "texts/z/b.txt", "disk/notes/c.txt", "disk/notes/deep/d.txt")
    (tmp_path / "texts" / "more").symlink_to(tmp_path / "disk" / "notes")
    assert found(tmp_path / "texts") == ["a.txt", "z/b.txt", "more/c.txt", "more/deep/d.txt"]


def test_a_folder_that_several_paths_lead_to_is_entered_once_by_the_one_without_links(tmp_path):
    make(tmp_path, "b/x.txt", "other/y.txt")
    for name in ("a", "c"):
        (tmp_path / name).symlink_to(tmp_path / "b")
    (tmp_path / "b" / "over").symlink_to(tmp_path / "other")
    assert found(tmp_path) == ["b/x.txt", "other/y.txt"]


def test_loops_end(tmp_path):
    make(tmp_path, "root/a.txt", "root/deep/b.txt", "beside/private.txt")
    root = tmp_path / "root"
    (root / "deep" / "back").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (root / "itself").symlink_to(root / "itself")
    (root / "nowhere").symlink_to(root / "missing")
    (root / "there").symlink_to(root / "deep" / "again")
    (root / "deep" / "again").symlink_to(root / "there")
    assert found(root) == ["a.txt", "deep/b.txt"]


def test_a_folder_that_is_taken_out_is_not_entered(tmp_path):
    make(tmp_path, "a/1.txt", "b/2.txt")
    seen = []
    for listing in walk(tmp_path):
        seen += listing.files
        listing.folders = [name for name in listing.folders if name != "a"]
    assert seen == ["2.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(PermissionError):
        found(tmp_path)


def names(found, folder):
    return [file.relative_to(folder).as_posix() for file in found.files]


def passed_over(found, folder):
    return {path.relative_to(folder).as_posix(): reason for path, reason in found.passed_over}


def test_linked_folders_are_read_under_the_name_of_the_link(tmp_path):
    make_file(tmp_path / "photos/smile/1.png")
    make_file(tmp_path / "disk/sad/2.png")
    make_file(tmp_path / "disk/sad/deep/3.png")
    (tmp_path / "photos/sad").symlink_to(tmp_path / "disk/sad")
    found = files_below(tmp_path / "photos")
    assert names(found, tmp_path / "photos") == ["sad/2.png", "sad/deep/3.png", "smile/1.png"]
    assert found.passed_over == []


def make_file(path):
    make(path.parent, path.name)


def test_loops_end_and_say_so(tmp_path):
    make_file(tmp_path / "photos/a/1.png")
    make_file(tmp_path / "disk/b/2.png")
    make_file(tmp_path / "disk/beside.png")
    (tmp_path / "photos/a/self").symlink_to(tmp_path / "photos/a")
    (tmp_path / "photos/a/root").symlink_to(tmp_path)
    (tmp_path / "photos/b").symlink_to(tmp_path / "disk/b")
    (tmp_path / "disk/b/up").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/b/back").symlink_to(tmp_path / "photos")
    (tmp_path / "photos/round").symlink_to(tmp_path / "photos/round")
    found = files_below(tmp_path / "photos")
    assert names(found, tmp_path / "photos") == ["a/1.png", "b/2.png"]
    assert passed_over(found, tmp_path / "photos") == {
        "a/root": "a link to a folder that holds it",
        "a/self": "a link to a folder that holds it",
        "b/back": "read already, under another name",
        "b/up": "a link to a folder that holds it",
        "round": "a link to nothing",
    }


def test_a_folder_is_read_once_and_under_its_own_name(tmp_path):
    make_file(tmp_path / "photos/smile/1.png")
    (tmp_path / "photos/all").symlink_to(tmp_path / "photos/smile")
    make_file(tmp_path / "disk/x/y/2.png")
    (tmp_path / "photos/one").symlink_to(tmp_path / "disk/x/y")
    (tmp_path / "photos/two").symlink_to(tmp_path / "disk/x")
    (tmp_path / "photos/zzz").symlink_to(tmp_path / "disk/x")
    found = files_below(tmp_path / "photos")
    assert names(found, tmp_path / "photos") == ["one/2.png", "smile/1.png"]
    read_already = "read already, under another name"
    assert passed_over(found, tmp_path / "photos") == dict.fromkeys(("all", "two/y", "zzz"), read_already)


def test_a_link_to_nothing_is_named_and_one_to_a_file_is_that_file(tmp_path):
    make_file(tmp_path / "real/1.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/gone").symlink_to(tmp_path / "unplugged")
    (tmp_path / "photos/1.png").symlink_to(tmp_path / "real/1.png")
    os.mkfifo(tmp_path / "photos/pipe")
    found = files_below(tmp_path / "photos")
    assert names(found, tmp_path / "photos") == ["1.png"]
    assert passed_over(found, tmp_path / "photos") == {"gone": "a link to nothing"}


def test_hidden_names_are_left_out(tmp_path):
    make_file(tmp_path / ".git/1.png")
    make_file(tmp_path / ".hidden.png")
    make_file(tmp_path / "shown.png")
    assert names(files_below(tmp_path), tmp_path) == ["shown.png"]


def test_a_folder_that_is_not_there_is_no_inmake_file(tmp_path):
    with pytest.raises(NoInput, match="No such file"):
        files_below(tmp_path / "nothing")


def test_names_become_text_that_utf_8_can_hold():
    assert readable_name("snö.png") == "snö.png"
    assert readable_name(os.fsdecode(b"caf\xe9.png")) == "caf\\xe9.png"
    assert len({readable_name(os.fsdecode(name)) for name in (b"caf\xe9", b"caf\xe8")}) == 2
