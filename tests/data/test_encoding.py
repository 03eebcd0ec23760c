"""A byte order mark says more than a name does."""

import codecs
import io

import pytest

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.data.encoding import as_marked, decode, proposed_encoding

TEXT = "are you home?\n晚饭吃什么\n"
MARKED = {
    "utf-8": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16-le": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16-be": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
}


@pytest.mark.parametrize("name", MARKED)
def test_the_mark_is_believed_and_taken_off(name):
    assert decode(MARKED[name], "x", "gb18030") == TEXT
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(MARKED[name])), encoding="utf-8", errors="surrogateescape")
    assert "".join(as_marked(stream)) == TEXT


def test_without_a_mark_what_was_named_is_believed():
    assert decode(TEXT.encode("gb18030"), "x", "gb18030") == TEXT
    assert "".join(as_marked(io.TextIOWrapper(io.BufferedReader(io.BytesIO(TEXT.encode())), encoding="utf-8"))) == TEXT
    assert "".join(as_marked(io.StringIO(TEXT))) == TEXT
    with pytest.raises(BadData, match="x: not utf-8 text at byte 1"):
        decode(b"a\xff", "x", "utf-8")
    with pytest.raises(UsageProblem, match="'klingon' is not known"):
        decode(b"a", "x", "klingon")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("晚饭吃什么", "gb18030"),
        ("晚餐吃什麼", "cp950"),
        ("晚饭吃什么", "utf-16-le"),
        ("Öl für später", "windows-1252"),
    ],
)
def test_the_error_proposes_the_encoding_that_the_text_is_in(text, encoding):
    with pytest.raises(BadData, match="not utf-8 text at byte") as error:
        decode(text.encode(encoding), "x", "utf-8")
    assert error.value.remedy == f"it looks like {encoding}: --encoding {encoding}"
    assert decode(text.encode(encoding), "x", encoding) == text


def test_where_no_encoding_is_likely_none_is_proposed():
    for data in (b"a\xff", TEXT.encode() + b"\xff", bytes(range(256))):
        with pytest.raises(BadData) as error:
            decode(data, "x", "utf-8")
        assert error.value.remedy == "another --encoding, or another kind of file?"
    assert proposed_encoding("晚饭吃什么".encode("gb18030"), "gb18030") == ""
