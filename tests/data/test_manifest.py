import hashlib
import json

import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.manifest import check_data, open_set, read_manifest

WHOLE = {"schema": "aigc.manifest/1", "kind": "chat", "hash": "h", "counts": {"train": 3}}


def write(folder, content):
    (folder / "manifest.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize("kinds", [(), ("chat",), ("text", "chat")])
def test_a_manifest_of_a_kind_that_is_wanted(kinds, tmp_path):
    assert read_manifest(write(tmp_path, WHOLE), *kinds) == WHOLE


def test_another_kind_names_both_and_the_remedy(tmp_path):
    with pytest.raises(BadData, match=r"a set of chat; this needs images \(make one with aigc prepare images\)"):
        read_manifest(write(tmp_path, WHOLE), "images")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "not the manifest"),
        ('{"a": 1}', "not the manifest"),
        ({**WHOLE, "schema": "aigc.manifest/2"}, r"format 'aigc.manifest/2' \(this version reads aigc.manifest/1"),
    ],
)
def test_a_damaged_one_is_bad_data(content, said, tmp_path):
    with pytest.raises(BadData, match=said):
        read_manifest(write(tmp_path, content))


def test_none_at_all_says_whether_there_is_a_folder(tmp_path):
    with pytest.raises(NoInput, match="no manifest"):
        read_manifest(tmp_path, "text")
    with pytest.raises(NoInput, match=r"no such folder \(make one with aigc prepare text\)"):
        read_manifest(tmp_path / "nowhere", "text")


def test_data_that_was_changed_after_it_was_prepared_is_refused(tmp_path):
    for name, text in (("train.jsonl", "a\n"), ("valid.jsonl", "b\n")):
        (tmp_path / name).write_text(text)
    digests = [hashlib.sha256(text).hexdigest() for text in (b"a\n", b"b\n")]
    manifest = {**WHOLE, "hash": hashlib.sha256("".join(digests).encode()).hexdigest()}
    check_data(tmp_path, manifest)
    (tmp_path / "valid.jsonl").write_text("c\n")
    with pytest.raises(BadData, match="changed after"):
        check_data(tmp_path, manifest)


@pytest.mark.parametrize(
    "change", [{"hash": 5}, {"counts": []}, {"label_names": ["a", 5]}, {"subject": []}, {"credit": "x"}, {"sources": 1}]
)
def test_values_of_other_types_are_refused(tmp_path, change):
    (tmp_path / "manifest.json").write_text(json.dumps(WHOLE | change))
    with pytest.raises(BadData, match="not the manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("consent", "is_private"),
    [
        ("public", False),
        ("synthetic", False),
        ("self", True),
        ("permission", True),
        ("unspecified", True),
        (None, True),
    ],
)
def test_a_set_is_private_unless_it_says_that_it_need_not_be(consent, is_private, tmp_path):
    opened = open_set(write(tmp_path, {**WHOLE, "consent": consent}), "chat")
    assert (opened.path, opened.kind, opened.hash, opened.is_private) == (tmp_path, "chat", "h", is_private)
