"""A byte order mark says more than a name does."""

import codecs
import io

import pytest

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.data.encoding import as_marked, decode

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
