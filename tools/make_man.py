"""Write the man pages from the command line itself: `python tools/make_man.py man`.

One page a command, aigc(1) for what they share. The same command line gives the same bytes: no dates, no
machine. Pages of commands that are gone are deleted. The pages are English: `--help` speaks the other languages, while
man would need a second tree of files that packages install and `man` finds by the locale.
"""

import math
import re
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from command_line import Command, Parameter, read_commands

from aigc_cli import __version__
from aigc_cli.config.base import GROUPS
from aigc_cli.core.errors import AigcError, Interrupted
from aigc_cli.core.machine.installed import COMPLETIONS
from aigc_cli.gan.recipes import ANY, AUTO, TABLE, Row

FIRST = GROUPS["first"].rstrip(":")
SHARED = (
    "Data goes to standard output: JSON lines when it is piped or with \\fB\\-\\-json\\fR, a table on a terminal. "
    "Everything else, progress and errors, goes to standard error. An error is one line with its remedy.",
    "A setting comes from, in this order: its option; its environment variable; \\fIaigc.toml\\fR in the working "
    "folder; the user's configuration file; the preset; its default. \\fBaigc\\-config\\-show\\fR(1) shows which. "
    "Settings that decide what is redacted, written to a file of its own, overwritten, deleted or open to others are "
    "not taken from the working folder's file, which may be anybody's. "
    "A run keeps the settings that it was started with.",
    "With \\fB\\-q\\fR nothing is said on success, as suits \\fBcron\\fR(8): records are printed only with "
    "\\fB\\-\\-json\\fR, or where they are what the command is for (texts, measurements). In a log, lines of talk "
    "begin with the local time.",
    "In \\fB\\-o\\fR, and only there, %Y, %m, %d, %H, %M, %S, %j, %y, %G, %V and %u stand for the local date and time "
    "at the start, and %% for a percent sign. With \\fB\\-\\-keep\\-days\\fR N, what lies beside the output under an "
    "earlier date of the same pattern, more than N days ago, is deleted afterwards: only what aigc wrote itself to the "
    "last file, never through a link, and not while another process works in it.",
    "Files appear complete or not at all. The first interrupt finishes the step, saves and exits; the second "
    "exits at once. The same command again goes on, or says that nothing is left to do.",
    "Everything that the tool generates carries a machine-readable label that says so: XMP in PNG files, the "
    "keys \\fBAIGC\\fR and \\fBdigitalSourceType\\fR in JSON records.",
)
# What a row of the table behind --preset auto may ask for.
ASKED = {"features": "the extra projected", "labelled": "labels", "adaptable": "a batch of held-out pictures"}
SHARED_VARIABLES = {
    "AIGC_DEBUG": "Set to anything: a traceback on errors, as with --debug.",
    "AIGC_LANG": "The language of messages and help, en or zh-CN; without it LC_ALL, LC_MESSAGES and LANG say it.",
    "FORCE_COLOR": "Set to anything: colour even where there is no terminal, unless NO_COLOR is set.",
    "NO_COLOR": "Set to anything: tables and progress without colour.",
}
SHARED_FILES = {
    "~/.config/aigc/config.toml": "The user's settings, in the same form; $XDG_CONFIG_HOME/aigc if that is set.",
    "./aigc.toml": "Settings: a table a command, such as [train-gan], with the options' names as keys.",
    "DATA/manifest.json": "What a prepared set is made of: sources and their hashes, counts, what was dropped and why.",
    "RUN/aigc.json": "What a run is: kind, settings, data, state, best score, versions.",
    "RUN/metrics.jsonl": "One line a measurement of the training.",
    "RUN/checkpoints/step-N/": "What training goes on from: safetensors and JSON.",
    "~/.local/state/aigc/": "Conversations that aigc chat keeps; $XDG_STATE_HOME/aigc if that is set.",
    "~/.cache/aigc/": "Imported models; $XDG_CACHE_HOME/aigc if that is set.",
}


# Files of a command beside those of its settings, by the metavars of what it takes, or by its name.
FILES_OF = {
    "DATA": ("DATA/manifest.json",),
    "RUN": ("RUN/aigc.json", "RUN/metrics.jsonl", "RUN/checkpoints/step-N/"),
    "OUT": ("OUT/samples.jsonl",),
}
SETTINGS_FILES = ("./aigc.toml", "~/.config/aigc/config.toml")
MORE_FILES = {
    "OUT/samples.jsonl": "A line a sample, each with the AI label.",
    **{
        f"PREFIX/{place}": f"What {shell} reads, where the package was installed."
        for shell, (place, _) in COMPLETIONS.items()
    },
}


# What each command can end with, but for what can end any of them, which stands in aigc(1).
# tests/cli/test_exit_statuses.py makes each command end with each of its own.
STATUSES = {
    "prepare images": (0, 2, 65, 66, 69, 73, 75, 78),
    "prepare chat": (0, 2, 65, 66, 73, 75, 78),
    "prepare text": (0, 2, 65, 66, 73, 75, 78),
    "prepare forget": (0, 2, 65, 66, 73, 75, 78),
    "train-gan": (0, 1, 2, 65, 66, 69, 73, 75, 78),
    "train-gpt": (0, 1, 2, 65, 66, 69, 73, 75, 78),
    "sample": (0, 2, 65, 66, 69, 73, 75, 78),
    "chat": (0, 2, 65, 66, 69, 73, 78),
    "metrics": (0, 2, 65, 66, 78),
    "eval images": (0, 2, 65, 66, 69, 78),
    "eval pairs": (0, 2, 65, 66, 78),
    "eval text": (0, 2, 65, 66, 69, 78),
    "eval texts": (0, 2, 65, 66, 78),
    "label show": (0, 2, 65, 66),
    "label verify": (0, 2, 65, 66),
    "config show": (0, 2, 78),
    "config path": (0, 2),
    "doctor": (0, 2, 69),
    "completion": (0, 2),
}


def escape(text: str) -> str:
    """Return text that roff shows as it is: backslashes, hyphens, quotes, other alphabets, leading dots."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    text = "".join(letter if ord(letter) < 128 else f"\\[u{ord(letter):04X}]" for letter in text)
    return re.sub(r"^(?=\.)", r"\\&", text, flags=re.MULTILINE)


def prose(text: str) -> str:
    """Return escaped running text, in which only the hyphens of options stay minus signs."""
    return re.sub(r"(?<=[a-zA-Z])\\-(?=[a-zA-Z])", "-", escape(text))


def wrapped(text: str) -> list[str]:
    """Return running text in lines of at most 78 letters, none of which begins as a request does."""
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return [f"\\&{line}" if line[0] in ".'" else line for line in lines]


def page(command: Command, root: Command) -> str:
    """Return the man page of one command."""
    title = "-".join(command.path)
    summary = command.summary.rstrip(".")
    parts = [
        f'.TH "{escape(title.upper())}" "1" "" "aigc {__version__}" "User commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        *wrapped(f"{escape(title)} \\- {prose(summary[:1].lower() + summary[1:])}"),
        ".SH SYNOPSIS",
        *_synopsis(command),
        ".SH DESCRIPTION",
        *wrapped(prose(command.help)),
        *_description(command, root),
        *_children(command),
        ".SH OPTIONS",
        *_options(command),
        *_presets(command.presets),
        ".SH ENVIRONMENT",
        *_environment(command),
        *_files(command, root),
        ".SH EXIT STATUS",
        *_statuses(command, root),
        *_examples(command.epilog),
        ".SH SEE ALSO",
        *wrapped(
            ", ".join(f"\\fB{escape('-'.join(other.path))}\\fR(1)" for other in root.walk() if other is not command)
        ),
    ]
    return "\n".join(parts) + "\n"


def _statuses(command: Command, root: Command) -> Iterator[str]:
    """Yield the statuses that a command can end with, all of them on the program's own page."""
    own = None if command is root else statuses_of(command)
    for code, meaning in exit_statuses():
        if own is None or code in own:
            yield from _item(f"\\fB{code}\\fR", meaning)
    if own is not None:
        yield from (
            ".PP",
            *wrapped(
                "A signal, a closed pipe, a full disk or a mistake of ours can end any command: see \\fBaigc\\fR(1)."
            ),
        )


def statuses_of(command: Command) -> set[int]:
    """Return the statuses on a command's page; a group's are those of its commands."""
    if command.children:
        return {code for child in command.children for code in statuses_of(child)}
    return {*STATUSES[" ".join(command.path[1:])]}


def exit_statuses() -> list[tuple[int, str]]:
    """Return (code, meaning) in order; the meanings are the error types' own docstrings."""
    table = {0: "Success.", 141: "Standard output was closed before the end, as by head(1)."}
    errors: list[type[AigcError]] = [AigcError, *AigcError.__subclasses__()]
    for error in errors:
        meaning = re.sub(r"\s*Exit code.*", "", " ".join((error.__doc__ or "").split()))
        if error is not Interrupted:
            table[error.exit_code] = meaning
            continue
        for stop in (signal.SIGINT, signal.SIGTERM):
            table[128 + stop] = f"{meaning.rstrip('.')}: {stop.name}."
    return sorted(table.items())


def _item(term: str, text: str) -> list[str]:
    return [".TP", term, *wrapped(prose(text))]


def _synopsis(command: Command) -> list[str]:
    words = [f"\\fB{escape(' '.join(command.path))}\\fR", "[\\fIOPTION\\fR]..."]
    words += [f"\\fB{escape(o.names[0])}\\fR \\fI{escape(o.metavar)}\\fR" for o in command.options if o.required]
    for argument in command.arguments:
        word = f"\\fI{escape(argument.metavar.strip('[]'))}\\fR" + ("..." if argument.repeated else "")
        words.append(word if argument.required else f"[{word}]")
    if command.children:
        words.append("\\fICOMMAND\\fR [\\fIARGUMENT\\fR]...")
    return [" ".join(words)]


def _description(command: Command, root: Command) -> Iterator[str]:
    if command is root:
        for paragraph in SHARED:
            yield from (".PP", *wrapped(paragraph))
    else:
        yield from (".PP", "What all commands have in common is in \\fBaigc\\fR(1).")


def _children(command: Command) -> Iterator[str]:
    """Yield the commands below a command, those of the program under the headings of its help."""
    heading = ""
    if command.children:
        yield ".SH COMMANDS"
    for child in command.children:
        if child.heading != heading:
            heading = child.heading
            yield f".SS {escape(heading)}"
        yield from _item(f"\\fB{escape('-'.join(child.path))}\\fR(1)", child.summary)


def _options(command: Command) -> Iterator[str]:
    """Yield arguments and options, under the headings of help but for the first of them; a group has few."""
    heading = FIRST
    for parameter in (*command.arguments, *command.options):
        if parameter.names and parameter.heading != heading and not command.children:
            heading = parameter.heading
            yield f".SS {escape(heading)}"
        yield from _parameter(parameter)


def _parameter(parameter: Parameter) -> list[str]:
    metavar = f"\\fI{escape(parameter.metavar.strip('[]'))}\\fR"
    names = ", ".join(f"\\fB{escape(name)}\\fR" for name in parameter.names)
    term = " ".join(part for part in (names, metavar if parameter.metavar else "") if part)
    facts = ["Required."] if parameter.required and parameter.names else []
    shown = parameter.metavar == "|".join(parameter.choices)
    facts += [f"One of: {', '.join(parameter.choices)}."] if parameter.choices and not shown else []
    facts += [f"{parameter.bounds[0].upper()}{parameter.bounds[1:]}."] if parameter.bounds else []
    facts += [f"Default: {parameter.default}."] if parameter.default else []
    return _item(term, " ".join([parameter.help, *facts]))


def _presets(presets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if presets:
        yield from (".SH PRESETS", "What \\fB\\-\\-preset\\fR sets, where nothing else does:")
    for name, values in presets.items():
        said = _decided() if name == AUTO else _settings(values) or "The defaults."
        yield from _item(f"\\fB{escape(name)}\\fR", said)


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', '-')} {value}" for key, value in values.items())


def _decided() -> str:
    """Return what the preset auto takes, as its table has it."""
    rows = "; ".join(f"{_where(row)}: {_settings(row.takes)}" for row in TABLE).capitalize()
    return (
        f"Of what measured best, all that fits the set. {rows}. Elsewhere the defaults; what is given goes before it."
    )


def _where(row: Row) -> str:
    """Return what a row of the table asks for."""
    parts = []
    for name, what in ASKED.items():
        wanted = getattr(row, name)
        parts += [] if wanted is None else [f"{'with' if wanted else 'without'} {what}"]
    for name, unit in {"pictures": "training pictures", "size": "pixels", "minutes": "minutes"}.items():
        least, most = getattr(row, name)
        parts += [] if (least, most) == ANY else [f"{_range(least, most)} {unit}"]
    return ", ".join(parts)


def _range(least: float, most: float) -> str:
    if most == math.inf:
        return f"{least:g} or more"
    return f"up to {most:g}" if least == 0 else f"{least:g} to {most:g}"


def _environment(command: Command) -> Iterator[str]:
    named = [option for option in command.options if option.variable]
    if named:
        yield "Each of these sets the option of its name:"
        yield from wrapped(", ".join(f"\\fB{option.variable}\\fR" for option in named) + ".")
    several = [option for option in named if option.repeated]
    if several:
        yield from (".PP", "Of options that may be given again, a value a line:")
        yield from wrapped(", ".join(f"\\fB{option.variable}\\fR" for option in several) + ".")
    for name, meaning in SHARED_VARIABLES.items():
        yield from _item(f"\\fB{name}\\fR", meaning)


def _files(command: Command, root: Command) -> Iterator[str]:
    known = {**SHARED_FILES, **MORE_FILES}
    names = list(SHARED_FILES) if command is root else _own_files(command)
    own = {"./aigc.toml": _project_file(command)} if command.section else {}
    yield ".SH FILES"
    for name in names:
        yield from _item(f"\\fI{escape(name)}\\fR", {**known, **own}[name])


def _project_file(command: Command) -> str:
    """Return what a command's table in the working folder's file holds, and what is not taken from there."""
    text = f"Its table [{command.section}] has the options' names as keys."
    acting = [option.names[-1].replace("--no-", "--") for option in command.options if option.acts]
    return f"{text} Not taken from there, but from your own file: {', '.join(acting)}." if acting else text


def _own_files(command: Command) -> list[str]:
    """Return the names of the files that a command reads or writes; a group's are those of its commands."""
    if command.children:
        return list(dict.fromkeys(name for child in command.children for name in _own_files(child)))
    names = [name for name in MORE_FILES if name.startswith("PREFIX/")] if command.path[1] == "completion" else []
    if command.section or command.path[1] in ("config", "doctor"):
        names += SETTINGS_FILES
    taken = {parameter.metavar.strip("[]") for parameter in (*command.arguments, *command.options)}
    taken |= {"OUT"} if command.path[1] == "label" else set()
    return [*names, *(name for metavar, several in FILES_OF.items() if metavar in taken for name in several)]


def _examples(epilog: str) -> Iterator[str]:
    lines = epilog.splitlines()
    if lines:
        heading, *body = lines
        yield ".SH EXAMPLES"
        if heading != "Examples:":
            yield from (prose(heading), ".PP")
        yield from (".nf", *(escape(line.removeprefix("  ")) for line in body), ".fi")


def main(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    root = read_commands()
    pages = {f"{'-'.join(command.path)}.1": page(command, root) for command in root.walk()}
    for stale in folder.glob("*.1"):
        if stale.name not in pages:
            stale.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
