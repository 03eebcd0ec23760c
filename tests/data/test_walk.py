"""Folders are entered once, whatever links lead to them."""

import os

import pytest

from aigc_cli.data.walk import walk


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
