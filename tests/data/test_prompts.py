"""Prompts, one a line: what a line is, and that a broken one is named."""

import json

import pytest

from aigc_cli.core.errors import BadData
from aigc_cli.data.prompts import read_prompts


def test_a_line_ends_at_its_newline_alone(tmp_path):
    text = "one\u2028two\u0085three"
    lines = ["plain", json.dumps({"prompt": text}, ensure_ascii=False)]
    (tmp_path / "prompts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    contents = [messages[0]["content"] for messages in read_prompts(None, tmp_path / "prompts")]
    assert contents == ["plain", text]


@pytest.mark.parametrize("line", ['{"prompt": ', '{"prompt": ' + "1" * 5000 + "}", '{"a": ' * 100_000])
def test_a_broken_line_is_named(line, tmp_path):
    (tmp_path / "prompts").write_text(f"plain\n{line}\n")
    with pytest.raises(BadData, match="line 2"):
        read_prompts(None, tmp_path / "prompts")
