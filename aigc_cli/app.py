"""The program: its own page and options, and every error turned into one line on stderr and an exit code."""

import errno
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, Any

import typer

from aigc_cli import __version__
from aigc_cli.core.errors import AigcError, CannotCreate, NoInput, UsageProblem
from aigc_cli.core.machine.distributed import several, verdict
from aigc_cli.core.machine.platform import rest_while_waiting
from aigc_cli.core.screen.console import abandon_stdout, has_colour, open_missing_streams, utf8_streams
from aigc_cli.core.words.messages import chosen_language, language, set_language, system_reason, tr
from aigc_cli.core.words.plain import clean, one_line
from aigc_cli.loading import Root
from aigc_cli.shared_options import LANGUAGE, group_options

# What only writing can meet; other failures of the system that reach this far are of reading.
WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EEXIST, errno.ENOTEMPTY, errno.EBADF)

app = typer.Typer(
    name="aigc",
    cls=Root,
    help="Turn pictures and a chat log into a digital double that talks in a terminal.",
    epilog="\b\nThe whole job:\n"
    "  aigc prepare images photos/ -o data/face\n"
    "  aigc prepare chat result.json -o data/chat\n"
    "  aigc train-gan data/face -o runs/face --minutes 30\n"
    "  aigc train-gpt data/chat -o runs/text --init smollm2 --minutes 10\n"
    "  aigc chat runs/text --face runs/face",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"aigc {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
    lang: Annotated[str | None, LANGUAGE] = None,
) -> None:
    group_options(lang)


def main() -> None:
    """Run the command line and exit with its status."""
    open_missing_streams()
    utf8_streams()
    signal.signal(signal.SIGTERM, _leave)
    rest_while_waiting()
    set_language(chosen_language(sys.argv[1:]))
    status = run(sys.argv[1:])
    if status and several():
        # Leave at once: what torch takes down at the end may abort over processes that have gone already.
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind where nothing else catches the signal, so that what is half written is swept away."""
    sys.exit(128 + number)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status; prints at most one line of error."""
    try:
        status = _command()(arguments, prog_name="aigc", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except AigcError as error:
        return _report(arguments, str(error), error.exit_code, error)
    except typer.TyperException as error:
        return _usage_error(arguments, error)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit as leaving:
        if not isinstance(leaving.__context__, BrokenPipeError):  # Typer turns a closed pipe into status 1
            raise
        return _pipe_closed()
    except OSError as error:
        return _system_error(arguments, error)
    except MemoryError as error:
        return _report(arguments, tr("out of memory (lower --batch-size or --size)"), 1, error)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is one line too; --debug shows where
        what = tr("unexpected {kind}: {error}", kind=type(error).__name__, error=error)
        bug = AigcError(what, tr("a bug: run it again with --debug, and report it"))
        return _report(arguments, str(bug), 1, error)


def _command() -> Any:
    """Return the command line, its help in the chosen language."""
    command = typer.main.get_command(app)
    if language() != "en":
        from aigc_cli.localize import translate_page

        translate_page(command)
    return command


def _system_error(arguments: list[str], error: OSError) -> int:
    """Report what the system refused and nothing nearer to it explained."""
    abandon_stdout()  # what it has not taken would fail again as the interpreter leaves
    message = f"{error.filename}: {system_reason(error)}" if error.filename else system_reason(error)
    known = CannotCreate if error.errno in WRITING else NoInput
    unexpected = known(message, tr("check the disk, the path and its permissions"))
    return _report(arguments, str(unexpected), unexpected.exit_code, error)


def _pipe_closed() -> int:
    abandon_stdout()
    return 128 + signal.SIGPIPE


def _usage_error(arguments: list[str], error: typer.TyperException) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
        return 2
    message = one_line(message).rstrip(".")
    if language() != "en":
        from aigc_cli.localize import translate_usage_error

        message = translate_usage_error(message)
    return _report(
        arguments, str(UsageProblem(message, tr("see {program} --help", program=_program(arguments)))), 2, error
    )


def _program(arguments: list[str]) -> str:
    """Return the name, for messages, of the command that the words begin with: `aigc train-gan`, `aigc prepare chat`.

    A word that is no command is left out, so that there is a help of that name.
    """
    command: Any = _command()
    names = ["aigc"]
    words = iter(arguments)
    for word in words:
        if word == "--lang":
            next(words, None)
        elif not word.startswith("--lang="):
            command = getattr(command, "commands", {}).get(word)
            if command is None:
                break
            names.append(word)
    return " ".join(names)


def _report(arguments: list[str], message: str, status: int, error: BaseException) -> int:
    if "--debug" in arguments or os.environ.get("AIGC_DEBUG"):
        print(clean("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    status, speaks = verdict(status)
    if not speaks:
        return status
    word = tr("error:")
    word = f"\x1b[1;31m{word}\x1b[0m" if has_colour(sys.stderr) else word
    print(f"{_program(arguments)}: {word} {one_line(message)}", file=sys.stderr)
    return status
