"""`aigc chat` as a person and as a script use it: processes, a pseudo-terminal read through pyte, files."""

import base64
import codecs
import contextlib
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from datetime import datetime
from fcntl import ioctl
from pathlib import Path

import pyte
import pytest
import torch
from PIL import Image

from aigc_cli import app
from aigc_cli.avatar.conversation import Turn
from aigc_cli.avatar.face import load_face
from aigc_cli.avatar.session import SessionLog, new_session, sessions_folder
from aigc_cli.core.disk.provenance import read_png_label, read_text_label
from tests import forked

ROOT = Path(__file__).parents[2]
GREEDY = ["--temperature", "0", "--repetition-penalty", "1", "--threads", "1"]
NOTICE = "This is an AI persona of Ada, made with aigc; replies are generated."
PATIENCE = 60  # seconds; only a failing test waits for it


def environment(home, **changes):
    """A small environment, as under cron; `home` None leaves HOME out."""
    base = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TERM": "xterm-256color"}
    return base | ({"HOME": str(home)} if home else {}) | changes


@pytest.fixture
def aigc_chat(monkeypatch, capsys, tmp_path):
    """Runs the command line in this process with some stdin: (status, stdout, stderr)."""

    def run(*arguments, stdin=""):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = app.run(["chat", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


class Person:
    """Sits at a terminal of 80 x 24 with one conversation."""

    def __init__(self, arguments, home, **changes):
        self.screen = pyte.HistoryScreen(80, 24, history=500)
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.raw = b""
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.screen.write_process_input = lambda data: os.write(self.master, data.encode())
        self.process = forked.start(
            "chat",
            *arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(home, **changes),
            terminal=True,
        )
        os.close(slave)

    def text(self):
        """All that is on the screen and has scrolled off it."""
        past = ["".join(line[column].data for column in range(80)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*past, *self.screen.display]).rstrip()

    def see(self, wanted, count=1):
        """Read until the text has been on the screen so many times, also over the end of a line."""
        deadline = time.monotonic() + PATIENCE
        while re.sub(r"(?m)^(.{80})\n", r"\1", self.text()).count(wanted) < count:
            assert time.monotonic() < deadline, f"no {wanted!r} in:\n{self.text()}"
            assert self._read(), f"ended without {wanted!r}:\n{self.text()}"

    def type(self, keys):
        os.write(self.master, keys.encode())

    def leave(self, keys="/quit\r"):
        """Type the keys that leave, read what is left and return the exit status."""
        self.type(keys)
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self):
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        assert ready, f"silent:\n{self.text()}"
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side of the terminal is closed
            return False
        self.raw += data
        self._stream.feed(self._decoder.decode(data))
        return bool(data)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


def sessions(home):
    return sorted((home / ".local/state/aigc/sessions").rglob("*.jsonl"))


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_pipe_gets_the_reply_alone(ada_run, tmp_path):
    done = forked.run("chat", ada_run, "-", *GREEDY, input="hi\n", env=environment(tmp_path))
    assert done.stdout == "hello you\nhow are you\n"
    time, _, notice = done.stderr.partition(" ")  # stderr is a log here, so the line says when
    assert notice == NOTICE + "\n" and datetime.fromisoformat(time)
    assert done.returncode == 0
    assert sessions(tmp_path) == []


def test_json_gives_labelled_records_that_the_seed_repeats_up_to_a_bad_line(ada_run, aigc_chat):
    lines = 'hi\n{"prompt": "joke"}\n{"messages": [{"role": "user", "content": "rain"}]}\n'
    arguments = [ada_run, "-", "--json", "-q", "--seed", "4", "--temperature", "3", "--max-new-tokens", "12"]
    status, first, talk = aigc_chat(*arguments, stdin=lines)
    assert (status, talk) == (0, "")
    found = [json.loads(line) for line in first.splitlines()]
    assert [record["schema"] for record in found] == ["aigc.reply/1"] * 3
    assert all(record["AIGC"]["Label"] == "1" for record in found)
    status, second, talk = aigc_chat(*arguments, stdin=lines + '{"question": "x"}\n')
    assert (status, second) == (65, first)
    assert "line 4" in talk


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["{run}"], 2, "aigc chat RUN -"),
        (["{run}", "hello"], 2, "is not -"),
        (["{run}", "--json"], 2, "aigc chat RUN - --json"),
        (["{run}", "-", "--play", "x"], 2, "exclude each other"),
        (["{run}", "-", "-c", "--session", "x"], 2, "exclude each other"),
        (["{run}", "-", "--temperature", "9"], 2, "--temperature"),
        (["{run}", "-", "--continue"], 66, "no conversation"),
        (["{run}", "--play", "missing.txt"], 66, "missing.txt"),
        (["{run}", "-", "--face", "{run}"], 65, "a text run; this needs a face run"),
        (["{run}/nothing", "-"], 66, "no such folder"),
        (["{run}/..", "-"], 66, "not a run"),
    ],
)
def test_mistakes_are_one_line_and_the_right_status(ada_run, aigc_chat, arguments, status, words):
    found, out, error = aigc_chat(*[argument.format(run=ada_run) for argument in arguments])
    line = error.splitlines()[-1]
    assert (found, out) == (status, "")
    assert line.startswith("aigc chat: error: ")
    assert words in line


def test_a_truncated_model_is_65(ada_run, tmp_path, aigc_chat):
    broken = shutil.copytree(ada_run, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    status, out, error = aigc_chat(broken, "-", "-q", stdin="hi\n")
    assert (status, out, error.count("\n")) == (65, "", 1)


def test_a_script_plays_as_a_transcript(ada_run, tmp_path, aigc_chat):
    script = tmp_path / "script.txt"
    script.write_text("# a comment\nhi\n\nrain\n")
    status, out, _ = aigc_chat(ada_run, "--play", script, *GREEDY)
    assert status == 0
    assert out.splitlines() == [
        NOTICE,
        "you  hi",
        "Ada  hello you",
        "     how are you",
        "you  rain",
        "Ada  so sad, sorry",
    ]
    assert sessions(tmp_path) == []


def test_a_session_file_is_gone_on_with_in_a_pipe(ada_run, tmp_path, aigc_chat):
    file = tmp_path / "talk.jsonl"
    for text in ("hi\n", "joke\n"):
        status, _, error = aigc_chat(ada_run, "-", "-q", "--session", file, *GREEDY, stdin=text)
        assert (status, error) == (0, "")
    assert [record["content"] for record in records(file)][::2] == ["hi", "joke"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_talking_in_a_terminal(ada_run, tmp_path):
    with Person([ada_run, *GREEDY], tmp_path) as person:
        person.see("you")
        assert person.text().splitlines()[0] == NOTICE
        person.type("hi\r")
        person.see("     how are you")
        person.type("joke\r")
        person.see("Ada  hahaha lol")
        assert person.leave() == 0
        lines = person.text().splitlines()
    said = [line for line in lines if line.startswith(("you", "Ada", "     "))]
    assert said == ["you  hi", "Ada  hello you", "     how are you", "you  joke", "Ada  hahaha lol", "you  /quit"]
    (file,) = sessions(tmp_path)
    assert [record["content"] for record in records(file)] == ["hi", "hello you\nhow are you", "joke", "hahaha lol"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_typing_before_the_model_is_there_and_ctrl_d(ada_run, tmp_path):
    with Person([ada_run, *GREEDY], tmp_path) as person:
        person.type("hi\rjoke\r")
        person.see("Ada  hello you")
        person.see("Ada  hahaha lol")
        person.see("you", count=5)
        assert person.leave("\x04") == 0


def test_several_lines_editing_and_history(ada_run, tmp_path):
    with Person([ada_run, *GREEDY], tmp_path) as person:
        person.see("you")
        person.type("one\x1b\rtwX\x7fo\r")
        person.see("\nyou", count=2)
        person.type("\x1b[A")
        person.see("one", count=2)
        person.type("\x03")
        person.see("Ctrl-D or /quit")
        assert person.leave() == 0
    (file,) = sessions(tmp_path)
    assert records(file)[0]["bubbles"] == ["one", "two"]


def test_ctrl_c_keeps_the_part_of_the_reply_that_was_said(ada_run, tmp_path, aigc_chat):
    endless = ["--temperature", "5", "--min-p", "0", "--top-p", "1", "--seed", "1", "--threads", "1"]
    with Person([ada_run, *endless, "--reply-speed", "20"], tmp_path, NO_COLOR="1") as person:
        person.see("you")
        person.type("hi\r")
        person.see("Ada  ")
        person.type("\x03")
        person.see("(stopped)")
        assert person.leave() == 0
    (file,) = sessions(tmp_path)
    asked, partial = records(file)
    assert asked["content"] == "hi"
    _, whole, _ = aigc_chat(ada_run, "-", *endless, "-q", stdin="hi\n")
    assert whole.startswith(partial["content"])
    assert 0 < len(partial["content"]) < len(whole) - 1


@pytest.fixture
def short_path():
    """A folder of a name so short that what is said of a file in it fits a line of 80 columns."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="") as folder:
        yield Path(folder)


def test_slash_commands(ada_run, tmp_path, short_path):
    saved, exported = short_path / "saved.jsonl", short_path / "talk.txt"
    with Person([ada_run, *GREEDY, "--no-log"], tmp_path) as person:
        person.see("you")
        person.type("/help\r")
        for name in ("/retry", "/undo", "/edit", "/reset", "/save", "/load", "/export", "/set", "/face", "/who"):
            person.see(name)
        person.type("/udno\r")
        person.see("did you mean 'undo'?")
        person.type("/retry\r")
        person.see("no reply yet")
        person.type("hi\r")
        person.see("how are you")
        person.type("/retry\r")
        person.see("how are you", count=2)
        person.type("rain\r")
        person.see("so sad, sorry")
        person.type("/undo\r")
        person.see("taken back: rain")
        person.type("/edit joke\r")
        person.see("hahaha lol")
        person.type(f"/save {saved}\r")
        person.see("2 turns")
        person.type(f"/export {exported}\r")
        person.see("2 turns as text")
        letter = saved.with_name("letter.txt")
        letter.write_text("dear")
        person.type(f"/export {letter}\r")
        person.see("is there already")
        assert letter.read_text() == "dear"
        person.type(f"/save {saved}\r")  # its own file it may write again
        person.see("2 turns", count=3)
        person.type("/set temperature 9\r")
        person.see("too large")
        person.type("/set temperature 0.5\r")
        person.see("temperature is 0.5")
        person.type("/who\r")
        person.see(f"run: {str(ada_run)[:30]}")
        person.type("/reset\r")
        person.see("a new conversation")
        person.type(f"/load {saved}\r")
        person.see("hahaha lol", count=2)
        person.type("/face\r")
        person.see("there is no face")
        assert person.leave() == 0
    assert [record["content"] for record in records(saved)] == ["joke", "hahaha lol"]
    assert exported.read_text().splitlines()[:5] == [NOTICE, "", "you: joke", "Ada: hahaha lol", ""]
    assert read_text_label(exported.read_text())["AIGC"]["Label"] == "1"
    assert sessions(tmp_path) == []


def shown_faces(person, expressions, columns):
    """Which expression each face on the screen has, by the colours of its cells."""
    rows = [*person.screen.history.top, *(person.screen.buffer[row] for row in range(24))]
    cells = [[(row[x].fg, row[x].bg) for x in range(columns)] for row in rows if row[0].data == "▀"]
    height = columns // 2
    known = {}
    for name, png in expressions.items():
        with Image.open(io.BytesIO(png)) as picture:
            pixel = [[bytes(picture.getpixel((x, y))).hex() for x in range(columns)] for y in range(columns)]
        known[name] = [list(zip(*pixel[2 * y : 2 * y + 2], strict=True)) for y in range(height)]
    blocks = [cells[top : top + height] for top in range(0, len(cells), height)]
    return [next(name for name, picture in known.items() if picture == block) for block in blocks]


def test_the_face_is_there_from_the_start_and_follows_the_reply(ada_run, face_run, tmp_path):
    face = load_face(face_run, 3, 0.8, torch.device("cpu"))
    look = ["--face", face_run, "--face-seed", "3", "--face-columns", "16"]
    with Person([ada_run, *GREEDY, *look], tmp_path, COLORTERM="truecolor") as person:
        person.see("▀" * 16, count=8)
        assert shown_faces(person, face.pictures, 16) == ["smile"]
        person.type("hi\r")
        person.see("     how are you")
        person.type("rain\r")
        person.see("Ada  so sad, sorry")
        person.type("/face angry\r")
        person.see("▀" * 16, count=24)
        assert person.leave() == 0
        assert shown_faces(person, face.pictures, 16) == ["smile", "sad", "angry"]
        lines = person.text().splitlines()
    assert lines[lines.index("Ada  so sad, sorry") - 1] == "▀" * 16


def test_kitty_is_sent_pictures_that_keep_their_label(ada_run, face_run, tmp_path, aigc_chat):
    script = tmp_path / "script.txt"
    script.write_text("hi\n")
    status, out, _ = aigc_chat(ada_run, "--face", face_run, "--pictures", "kitty", "--play", script, *GREEDY)
    (payload,) = re.findall(r"\x1b_Ga=T,f=100,[^;]*,m=0;([^\x1b]*)\x1b", out)
    assert status == 0
    assert read_png_label(base64.standard_b64decode(payload))["AIGC"]["Label"] == "1"


def test_continue_goes_on_with_the_latest_conversation(ada_run, tmp_path):
    file = new_session(sessions_folder(ada_run, {"HOME": str(tmp_path)}))
    with SessionLog(file) as log:
        log.write([Turn("user", "hi", ""), Turn("assistant", "hello you\nhow are you", "", "smile")])
    with Person([ada_run, *GREEDY, "-c"], tmp_path) as person:
        person.see("     how are you")
        person.type("/undo\r")
        person.see("taken back: hi")
        person.type("ok\r")
        person.see("Ada  see you at ten")
        assert person.leave() == 0
    assert sessions(tmp_path) == [file]
    assert [record.get("content", record.get("event")) for record in records(file)][2:] == [
        "undo",
        "ok",
        "see you at ten",
    ]


def test_a_model_that_cannot_be_loaded_ends_the_prompt_with_its_status(ada_run, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "aigc.json").write_bytes((ada_run / "aigc.json").read_bytes())
    with Person([broken], tmp_path) as person:
        assert person.leave("") == 66
        assert "aigc chat: error:" in person.text()


def test_leaving_while_it_still_loads_and_nothing_is_kept_without_a_home(ada_run):
    with Person([ada_run], None) as person:
        person.see("not kept: there is no HOME")
        person.see("\nyou")
        assert person.leave("\x04") == 0
        assert "Traceback" not in person.text()
        assert person.text().count("not kept") == 1


def test_no_colour_and_hostile_replies_send_no_escape_codes_of_their_own(ada_run, tmp_path):
    file = tmp_path / "evil.jsonl"
    turns = [("user", "hi"), ("assistant", "\x1b]0;owned\x07\x1b[2Jbye\x9b31m")]
    lines = [json.dumps({"schema": "aigc.session/1", "role": role, "content": content}) for role, content in turns]
    file.write_text("\n".join(lines) + "\n")
    with Person([ada_run, *GREEDY, "--session", file], tmp_path, NO_COLOR="1") as person:
        person.see("bye")
        assert person.leave() == 0
        assert NOTICE in person.text()
    assert b"\x1b]0;owned" not in person.raw
    assert "\x9b".encode() not in person.raw
    assert b"[2Jbye" in person.raw.replace(b"\x1b[2J", b"")
    assert b"\x1b[1;36m" not in person.raw


def test_a_closed_pipe_is_quiet(ada_run, tmp_path):
    process = forked.start(
        "chat",
        ada_run,
        "-",
        *GREEDY,
        "-q",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
    )
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"hi\n" * 3)
        process.stdin.close()
    assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
    assert process.stderr.read() == b""
    process.stderr.close()
