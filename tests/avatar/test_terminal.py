"""The chat's own screen, with keys from a pipe and the screen's bytes in memory."""

import io
import re

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from aigc_cli.avatar.background import Background
from aigc_cli.avatar.conversation import Turn
from aigc_cli.avatar.expression import Expressions
from aigc_cli.avatar.replier import TextReplier
from aigc_cli.avatar.terminal import Chat
from aigc_cli.avatar.view import Look, View
from aigc_cli.config.chat import ChatSettings
from aigc_cli.core.errors import NoInput
from aigc_cli.core.screen.pictures import PictureStyle

ACTING = "\x1b[45;5m\x1b]0;t\x07\x9b31m\x7f\u202e\u2067\u202a"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
OWN = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]|\x1b[=>]|\r")  # prompt_toolkit's


def screen_of(conversation, keys, loading):
    """Type keys into a conversation with somebody of a hostile name, and return all that was written."""
    out = io.StringIO()
    replier = TextReplier(lambda: None, ChatSettings())
    view = View(out, f"evil{ACTING}", Look(PictureStyle("none", 0)), Expressions(()))
    with create_pipe_input() as typed:
        typed.send_text(keys)
        terminal = Vt100_Output(out, lambda: Size(rows=24, columns=80), term="xterm", enable_bell=False)
        chat = Chat(
            conversation,
            replier,
            view,
            loading,
            about={"run": f"evil{ACTING}"},
            terminal_input=typed,
            terminal_output=terminal,
        )
        chat.run()
    return out.getvalue()


def test_names_pasted_words_and_replies_cannot_steer_the_screen(conversation):
    talk = conversation(turns=[Turn("user", f"evil{ACTING}", ""), Turn("assistant", f"evil{ACTING}", "")])
    pasted = f"\x1b[200~evil{ACTING} 许麦冬 e\u0301 \u200f\x1b[201~\r"
    back = "\x1b[A\x1b[A\r"  # what was said before, and again
    keys = f"{pasted}{back}/who\r/face evil{ACTING.replace(chr(27), '')}\r/edit\r\r/quit\r"
    loading = Background(lambda: (None, None))
    loading.result()
    text = screen_of(talk, keys, loading)
    assert text.count("evil") > 8
    assert "许麦冬" in text and "e\u0301" in text
    assert "\x1b[45;5m" not in text
    found = UNSAFE.search(OWN.sub("", text))
    assert found is None, text[max(0, found.start() - 60) : found.end() + 20]


def test_a_loading_that_fails_before_there_is_a_prompt_ends_the_first_one(conversation):
    def build():
        raise NoInput("no such model", "give another")

    loading = Background(build)
    with pytest.raises(NoInput):
        loading.result()
    with pytest.raises(NoInput, match="no such model"):
        screen_of(conversation(), "/quit\r", loading)
