"""The framework's share of the interface in another language: help pages, their words, and usage errors.

Texts are declared in English, once, beside what they describe; here they are replaced in the built command line. Only
loaded where the language is not English. Knows no command.
"""

import re
from collections.abc import Sequence
from typing import Any

import typer

from aigc_cli.core.words.messages import later, tr
from aigc_cli.core.words.plain import cell_width, wrap
from aigc_cli.help_pages import Context

# The framework's words, as they stand on its help pages.
WORDS = (
    later("Usage: "),
    later("Arguments:"),
    later("Options:"),
    later("Commands:"),
    later("[OPTIONS]"),
    later("COMMAND [ARGS]..."),
    later("Show this message and exit."),
    later("required"),
)
# Its usage errors; what they name is found by the fields.
ERRORS = (
    later("Missing command"),
    later("Missing {kind} {name}"),
    later("No such command {name}. Did you mean {names}?"),
    later("No such command {name}"),
    later("No such option: {name} (Possible options: {names})"),
    later("No such option: {name}"),
    later("Option {name} requires an argument"),
    later("Option {name} does not take a value"),
    later("Got unexpected extra argument(s) ({names})"),
    later("Invalid value for {name}: {problem}"),
    later("Input should be a valid integer, unable to parse string as an integer"),
    later("Input should be a valid number, unable to parse string as a number"),
    later("Input should be a valid boolean, unable to interpret input"),
    later("Input should be greater than or equal to {bound}"),
    later("Input should be less than or equal to {bound}"),
)
KINDS = {"argument": later("argument"), "option": later("option")}
_FACTS = re.compile(r"^(.*?)(?:  )?\[((?:default: |required)[^\]]*)\]$", re.DOTALL)
_REMARK = re.compile(r"^(  .*\S {2,})(\S.*)$")


def translate_command(command: Any) -> None:
    """Put the chosen language's texts into a built command and all commands below it."""
    translate_page(command)
    for child in getattr(command, "commands", {}).values():
        translate_command(child)


def translate_page(command: Any) -> None:
    """Put the chosen language's texts into what a built command's own help page shows."""
    command.context_class = _Context
    command.short_help = _prose(command.help or "").split("\n\n")[0].rstrip("。")
    command.help = _prose(command.help or "")
    command.epilog = "\n".join(_example(line) for line in (command.epilog or "").split("\n"))
    command.options_metavar = tr(command.options_metavar)
    for parameter in command.params:
        parameter.help = tr(parameter.help) if parameter.help else parameter.help
    if hasattr(command, "commands"):
        command.subcommand_metavar = tr(command.subcommand_metavar)


def translate_usage_error(message: str) -> str:
    """Return the framework's one-line usage error in the chosen language; what is not known stays as it is."""
    message = message.rstrip(".")
    for text in ERRORS:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text))
        found = re.fullmatch(pattern, message)
        if found:
            values = found.groupdict()
            if "kind" in values:
                values["kind"] = tr(KINDS.get(values["kind"], values["kind"]))
            if "problem" in values:
                values["problem"] = translate_usage_error(values["problem"])
            return tr(text, **values)
    return message


def help_texts(command: Any) -> list[str]:
    """Return every text of a built command line, in English, that a help page shows."""
    texts = (command.help or "").split("\n\n")
    for line in (command.epilog or "").split("\n"):
        remark = _REMARK.match(line)
        texts += [remark.group(2)] if remark else [] if line.startswith("  ") else [line]
    texts += [parameter.help or "" for parameter in command.params]
    for child in getattr(command, "commands", {}).values():
        texts += help_texts(child)
    return [text for text in dict.fromkeys(texts) if text.strip("\b\n ")]


def _prose(text: str) -> str:
    """Translate paragraphs, each a text of its own; a line break within one is a space."""
    return "\n\n".join(tr(" ".join(paragraph.split())) for paragraph in text.split("\n\n") if paragraph)


def _example(line: str) -> str:
    """Translate a line of examples: the remark after a command, or a heading; commands stay."""
    remark = _REMARK.match(line)
    if remark:
        return remark.group(1) + tr(remark.group(2))
    return line if line.startswith("  ") or not line.strip("\b") else tr(line)


class HelpPage(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """A help page whose columns are measured in cells, and whose lines may end between Chinese characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        begin = f"{tr('Usage: ') if prefix is None else prefix}{prog} "
        self._write_lines(begin, wrap(args, self.width - cell_width(begin)))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        words = f"{heading}:"
        self.write(f"{' ' * self.current_indent}{tr(words)}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs; one that begins with a backspace keeps its lines."""
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            raw = paragraph.startswith("\b")
            lines = paragraph.removeprefix("\b\n").split("\n") if raw else wrap(paragraph, self.width - len(indent))
            self.write("\n" if number else "")
            self.write("".join(f"{indent}{line}\n" for line in lines))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and what they mean in two columns."""
        column = min(max(cell_width(term) for term, _ in rows), col_max) + col_spacing
        for term, meaning in rows:
            begin = " " * self.current_indent + term
            if cell_width(term) > column - col_spacing:
                self.write(begin + "\n")
                begin = ""
            begin += " " * (column + self.current_indent - cell_width(begin))
            self._write_lines(begin, _meaning(meaning, max(10, self.width - column - self.current_indent)))

    def _write_lines(self, begin: str, lines: list[str]) -> None:
        indent = "\n" + " " * cell_width(begin)
        self.write((begin + indent.join(lines)).rstrip() + "\n")


class _Context(Context):
    formatter_class = HelpPage


def _meaning(text: str, width: int) -> list[str]:
    """Return the lines of an option's help, with what the framework adds: its default, and that it is required."""
    found = _FACTS.match(text)
    if not found:
        return wrap(tr(text), width)
    told = [
        tr("default: {value}", value=fact.removeprefix("default: ")) if fact.startswith("default: ") else tr(fact)
        for fact in found.group(2).split("; ")
    ]
    lines, facts = wrap(found.group(1), width), f"[{tr('; ').join(told)}]"
    if cell_width(lines[-1]) + 2 + cell_width(facts) > width:
        return [*lines, facts]
    return [*lines[:-1], f"{lines[-1]}  {facts}".strip()]
