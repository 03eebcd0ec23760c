"""The slash commands of a conversation in a terminal: a literal table of name, usage, help and function."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from aigc_cli.avatar.session import SessionLog, read_session, torn_bytes, turn_record
from aigc_cli.avatar.talk import Talk
from aigc_cli.config.base import did_you_mean, validate
from aigc_cli.core.disk.own import write_own
from aigc_cli.core.disk.provenance import label_text
from aigc_cli.core.errors import AigcError, UsageProblem
from aigc_cli.core.words.messages import later, tr
from aigc_cli.core.words.plain import json_text

CHANGEABLE = ("temperature", "top_p", "min_p", "repetition_penalty", "max_new_tokens")


class Leave(Exception):
    """The user wants to leave."""


def notice(name: str) -> str:
    """Return the line that every conversation opens with, on the screen and in exports."""
    return tr("This is an AI persona of {name}, made with aigc; replies are generated.", name=name)


def run_command(talk: Talk, line: str) -> None:
    """Run one line such as "/set temperature 0.5"; UsageProblem for an unknown command or a wrong argument."""
    name, _, argument = line[1:].partition(" ")
    if name not in COMMANDS:
        raise UsageProblem(tr("/{name} is not a command", name=name), did_you_mean(name, tuple(COMMANDS)))
    try:
        COMMANDS[name].run(talk, argument.strip())
    except UsageProblem:
        raise
    except AigcError as error:  # a file that cannot be read or written must not end the conversation
        raise UsageProblem(error.message, error.remedy) from error


def _help(talk: Talk, argument: str) -> None:
    for name, command in COMMANDS.items():
        talk.view.say(f"/{name} {command.usage}".ljust(22) + tr(command.help), "")
    talk.view.say(tr("Alt-Enter starts a new line, Ctrl-C stops a reply, // begins a line with a slash."), "")


def _retry(talk: Talk, argument: str) -> None:
    talk.answer(talk.conversation.retry)


def _undo(talk: Talk, argument: str) -> None:
    removed = talk.conversation.undo()
    if not removed:
        raise UsageProblem(tr("there is nothing to take back"))
    talk.keep()
    talk.view.say(tr("taken back: {text}", text=removed[0].content))


def _edit(talk: Talk, argument: str) -> None:
    removed = talk.conversation.undo()
    if not removed:
        raise UsageProblem(tr("there is nothing to edit"))
    talk.keep()
    if argument:
        talk.answer(lambda stop: talk.conversation.reply(argument, stop))
    else:
        talk.next_line = removed[0].content


def _reset(talk: Talk, argument: str) -> None:
    talk.conversation.turns.clear()
    talk.keep()
    talk.view.say(tr("a new conversation"))


def _write_new_or_own(talk: Talk, argument: str, text: str) -> None:
    """Write a file where there is none yet, or what this conversation has written itself."""
    path = Path(argument)
    write_own(path, text.encode(), private=True, fresh=path.resolve() not in talk.written)
    talk.written.add(path.resolve())


def _save(talk: Talk, argument: str) -> None:
    if argument:
        records = [turn_record(turn) for turn in talk.conversation.turns]
        lines = (json_text(record) + "\n" for record in records)
        _write_new_or_own(talk, argument, "".join(lines))
        talk.view.say(tr("{argument}: {count} turns", argument=argument, count=len(records)))
    elif talk.log is not None:
        talk.view.say(tr("kept in {path}", path=talk.log.path))
    else:
        raise UsageProblem(tr("this conversation is not kept yet"), tr("/save FILE writes it"))


def _load(talk: Talk, argument: str) -> None:
    if not argument:
        raise UsageProblem(tr("which file?"), tr("/load FILE"))
    path = Path(argument)
    turns, was_torn = read_session(path), bool(torn_bytes(path))
    if talk.keeping and not (talk.log is not None and path.samefile(talk.log.path)):
        log = SessionLog(path)
        turns, was_torn = log.turns, log.was_torn
        talk.keep_elsewhere(log)
    if was_torn:
        talk.view.say(tr("{path}: its last line was cut off when it was written, and is left out", path=argument))
    talk.conversation.turns[:] = turns
    for turn in turns[-4:]:
        talk.view.turn(turn)


def _export(talk: Talk, argument: str) -> None:
    if not argument:
        raise UsageProblem(tr("which file?"), tr("/export FILE.txt"))
    name = talk.view.name
    lines = [notice(name), ""]
    for turn in talk.conversation.turns:
        lines += [f"{tr('you') if turn.role == 'user' else name}: {bubble}" for bubble in turn.bubbles]
    _write_new_or_own(talk, argument, label_text("\n".join(lines) + "\n"))
    talk.view.say(tr("{argument}: {count} turns as text", argument=argument, count=len(talk.conversation.turns)))


def _set(talk: Talk, argument: str) -> None:
    settings = talk.replier.settings
    if not argument:
        for name in CHANGEABLE:
            talk.view.say(f"{name} {getattr(settings, name)}", "")
        return
    name, _, text = argument.replace("=", " ").partition(" ")
    name = name.replace("-", "_")
    if name not in CHANGEABLE:
        raise UsageProblem(tr("{name} cannot be set", name=name), did_you_mean(name, CHANGEABLE))
    try:
        value = type(getattr(settings, name))(text.strip())
    except ValueError as error:
        raise UsageProblem(
            tr("{text!r} is not a number", text=text),
            tr("/set {name} {value}", name=name, value=getattr(settings, name)),
        ) from error
    changed = dataclasses.replace(settings, **{name: value})
    validate(changed)
    talk.replier.settings = changed
    talk.view.say(tr("{name} is {value}", name=name, value=value))


def _face(talk: Talk, argument: str) -> None:
    labels = talk.conversation.expressions.labels
    if talk.about.get("face") is None:
        raise UsageProblem(tr("there is no face"), tr("start with --face RUN"))
    if argument and argument not in labels:
        raise UsageProblem(tr("the face has no {argument!r}", argument=argument), did_you_mean(argument, labels))
    talk.view.show(argument or talk.conversation.expression, again=True)


def _who(talk: Talk, argument: str) -> None:
    talk.view.say(notice(talk.view.name), "")
    for name, value in talk.about.items():
        talk.view.say(tr("{name}: {value}", name=name, value=value), "")


def _quit(talk: Talk, argument: str) -> None:
    raise Leave


@dataclasses.dataclass(frozen=True)
class Command:
    """One slash command."""

    usage: str
    help: str
    run: Callable[[Talk, str], None]


COMMANDS: dict[str, Command] = {
    "retry": Command("", later("another reply to the same words"), _retry),
    "undo": Command("", later("take back your last turn and its reply"), _undo),
    "edit": Command("[TEXT]", later("say your last turn differently"), _edit),
    "reset": Command("", later("begin a new conversation"), _reset),
    "save": Command("[FILE]", later("write the conversation to a file, or say where it is kept"), _save),
    "load": Command("FILE", later("go on with a kept conversation"), _load),
    "export": Command("FILE", later("write the conversation as plain text"), _export),
    "set": Command("[NAME VALUE]", later("change temperature, top_p, min_p, …"), _set),
    "face": Command("[LABEL]", later("show the face"), _face),
    "who": Command("", later("who is this, and from which run"), _who),
    "help": Command("", later("this list"), _help),
    "quit": Command("", later("leave (or Ctrl-D)"), _quit),
}
