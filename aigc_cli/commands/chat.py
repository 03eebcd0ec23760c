"""`aigc chat`: talk with the avatar, in a terminal, through a pipe, or as a played script."""

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aigc_cli.config.chat import ChatSettings
from aigc_cli.core.disk.files import read_bytes
from aigc_cli.core.disk.rundir import RunDir, read_run
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import with_settings

if TYPE_CHECKING:
    from aigc_cli.avatar.background import Background
    from aigc_cli.avatar.conversation import Conversation
    from aigc_cli.avatar.replier import TextReplier
    from aigc_cli.avatar.session import SessionLog
    from aigc_cli.avatar.view import Look, View

EXAMPLES = """\b
Examples:
  aigc chat runs/text --face runs/face
  aigc chat runs/text --continue                       go on with the last conversation
  printf 'hi\\n' | aigc chat runs/text -                 one turn a line, the replies alone on stdout
  aigc chat runs/text - --json --seed 1 < prompts.jsonl  one labelled record a reply
  aigc chat runs/text --face runs/face --play script.txt
"""


def chat(
    console: Console,
    settings: ChatSettings,
    run: Annotated[Path, typer.Argument(help="A text run, made by aigc train-gpt.", metavar="RUN")],
    source: Annotated[
        str | None, typer.Argument(help="- reads the user's turns from stdin, one a line.", metavar="-")
    ] = None,
    continue_: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on with the latest kept conversation with this run.")
    ] = False,
) -> None:
    """Talk with the avatar: a text run answers, and a face run shows how it feels about it."""
    piped = _is_piped(console, settings, source)
    record = read_run(run, "text")
    from aigc_cli.avatar.expression import Expressions
    from aigc_cli.avatar.face import face_expressions

    expressions = face_expressions(settings.face) if settings.face is not None else Expressions()
    log = _session(console, settings, run, continue_)
    from aigc_cli.avatar.background import Background
    from aigc_cli.avatar.conversation import Conversation
    from aigc_cli.avatar.replier import TextReplier
    from aigc_cli.data.persona import system_prompt

    loading = Background(lambda: _load(settings, run, with_face=not piped))
    replier = TextReplier(lambda: loading.result()[0], settings)
    subject = record.get("subject")
    conversation = Conversation(
        replier,
        system_prompt(subject, record.get("persona")),
        settings.seed if settings.seed is not None else secrets.randbits(31),
        run=hashlib.sha256(read_bytes(RunDir(run).record_path)).hexdigest(),
        expressions=expressions,
        turns=log.turns if log is not None else [],
    )
    talk = _Talk(console, settings, conversation, replier, loading, str(subject or run.name), log)
    if piped:
        from aigc_cli.data.encoding import as_marked

        talk.pipe(as_marked(sys.stdin))
    elif settings.play is not None:
        talk.play(settings.play)
    else:
        talk.interact(run, record)


def _is_piped(console: Console, settings: ChatSettings, source: str | None) -> bool:
    """Check how the conversation is to be held, and return whether stdin is read a turn a line."""
    if source not in (None, "-"):
        raise UsageProblem(
            tr("{source!r} is not -", source=source), tr("- reads stdin; --play FILE plays a file of user lines")
        )
    if source == "-":
        if settings.play is not None:
            raise UsageProblem(tr("- and --play exclude each other"), tr("give one of them"))
        return True
    if settings.play is None:
        if console.explicit_json:
            raise UsageProblem(tr("--json is for pipes"), tr("aigc chat RUN - --json"))
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageProblem(
                tr("this is no terminal"), tr("aigc chat RUN - reads lines, --play FILE plays a conversation")
            )
    return False


def _session(console: Console, settings: ChatSettings, run: Path, continue_: bool) -> "SessionLog | None":
    """Return the session file that was asked for, if any, open and locked."""
    from aigc_cli.avatar.session import SessionLog, latest_session, sessions_folder

    if continue_ and settings.session is not None:
        raise UsageProblem(tr("--continue and --session exclude each other"), tr("--session FILE goes on with FILE"))
    place = latest_session(sessions_folder(run, os.environ), run) if continue_ else settings.session
    if place is None:
        return None
    log = SessionLog(place, wait_seconds=settings.lock_wait, force=settings.force)
    if log.was_torn:
        console.talk(tr("{path}: its last line was cut off when it was written, and is left out", path=place))
    return log


def _load(settings: ChatSettings, run: Path, *, with_face: bool) -> "tuple[Any, Any]":
    """Return the text model and the face, if there is one to show."""
    from aigc_cli.core.machine.device import choose_device, set_threads
    from aigc_cli.gpt.decoding.decode import load_text_run

    set_threads(settings.threads)
    device = choose_device(settings.device)
    face = None
    if with_face and settings.face is not None:
        from aigc_cli.avatar.face import load_face

        face = load_face(settings.face, settings.face_seed, settings.face_truncation, device)
    return load_text_run(run, device), face


class _Talk:
    """One conversation in one of its three forms."""

    def __init__(
        self,
        console: Console,
        settings: ChatSettings,
        conversation: "Conversation",
        replier: "TextReplier",
        loading: "Background[Any]",
        name: str,
        log: "SessionLog | None",
    ) -> None:
        self._console = console
        self._settings = settings
        self._conversation = conversation
        self._replier = replier
        self._loading = loading
        self._name = name
        self._log = log

    def pipe(self, lines: Iterable[str]) -> None:
        """Answer each line on stdout: the reply alone, or a record with `--json`."""
        from aigc_cli.avatar.piped import read_requests, reply_record, reply_text
        from aigc_cli.avatar.slash import notice

        self._console.talk(notice(self._name))
        as_json = self._console.explicit_json
        with self._keeper() as keep:
            for request in read_requests(lines, as_json=as_json):
                if as_json:
                    self._console.record(reply_record(self._conversation, request))
                else:
                    for piece in reply_text(self._conversation, request):
                        sys.stdout.write(piece)
                    sys.stdout.write("\n")
                    sys.stdout.flush()
                keep()

    def play(self, script: Path) -> None:
        """Print a conversation of the script's lines, with the face wherever it changes."""
        from aigc_cli.avatar.slash import notice
        from aigc_cli.avatar.terminal import read_script, transcript

        lines = read_script(script)
        if self._console.explicit_json:
            self.pipe(lines)
            return
        view = self._view(_play_look(self._settings))
        view.say(notice(self._name))
        with self._keeper() as keep:
            transcript(self._conversation, view, lines, keep)

    def interact(self, run: Path, record: dict[str, Any]) -> None:
        """Talk at a prompt until the user leaves."""
        from aigc_cli.avatar.slash import notice
        from aigc_cli.avatar.terminal import Chat

        view = self._view(_terminal_look(self._settings))
        view.say(notice(self._name))
        open_log = self._open_log(run)
        if open_log is None and self._settings.log:
            view.say(tr("this conversation is not kept: there is no HOME (--session FILE keeps it)"))
        for turn in self._conversation.turns[-4:]:
            view.turn(turn)
        about = {"run": str(run), "step": str(record.get("step")), "consent": str(record.get("consent"))}
        if self._settings.face is not None:
            about |= {"face": str(self._settings.face), "identity": str(self._settings.face_seed)}
        talk = Chat(self._conversation, self._replier, view, self._loading, about=about, open_log=open_log)
        try:
            talk.run()
        finally:
            talk.close()

    def _open_log(self, run: Path) -> "Callable[[], SessionLog] | None":
        """Return what opens the session file when the first turn is to be kept."""
        from aigc_cli.avatar.session import SessionLog, new_session, sessions_folder

        log = self._log
        if log is not None:
            return lambda: log
        folder = sessions_folder(run, os.environ) if self._settings.log else None
        return (lambda: SessionLog(new_session(folder))) if folder is not None else None

    @contextmanager
    def _keeper(self) -> Iterator[Callable[[], None]]:
        """Yield what keeps the conversation so far: only where a session file was asked for."""
        if self._log is None:
            yield lambda: None
            return
        with self._log as log:
            yield lambda: log.write(self._conversation.turns)

    def _view(self, look: "Look") -> "View":
        from aigc_cli.avatar.view import View

        def face() -> Any:
            return self._loading.result()[1]

        return View(sys.stdout, self._name, look, self._conversation.expressions, face)


def _environment(settings: ChatSettings) -> dict[str, str]:
    """Return the environment as `choose_style` reads it, with the `--pictures` that was asked for."""
    environment = {name: value for name, value in os.environ.items() if name != "AIGC_PICTURES"}
    return environment if settings.pictures == "auto" else {**environment, "AIGC_PICTURES": settings.pictures}


def _terminal_look(settings: ChatSettings) -> "Look":
    from aigc_cli.avatar.view import Look
    from aigc_cli.core.screen.pictures import choose_style, colour_count

    style = choose_style(_environment(settings), is_terminal=True)
    size = shutil.get_terminal_size()
    columns = max(8, min(settings.face_columns, size.columns, 2 * (size.lines - 6)))
    return Look(style, columns, colour_count(os.environ) > 0, settings.reply_speed)


def _play_look(settings: ChatSettings) -> "Look":
    """Return the terminal's own look, or half-blocks where stdout is none; NO_COLOR and TERM=dumb give grey signs."""
    from aigc_cli.avatar.view import Look
    from aigc_cli.core.screen.pictures import TRUE_COLOURS, PictureStyle

    if sys.stdout.isatty():
        return _terminal_look(settings)
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    protocol = "half-blocks" if settings.pictures == "auto" else settings.pictures
    return Look(PictureStyle(protocol, 0 if plain else TRUE_COLOURS), settings.face_columns)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("chat", epilog=EXAMPLES)(with_settings(chat, ChatSettings, section="chat"))
