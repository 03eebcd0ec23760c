"""Registers the commands, and turns every error into one line on stderr and an exit code. Nothing else does."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer

from aigc_cli import __version__
from aigc_cli.commands import chat, evaluate, prepare, sample, train_gan, train_gpt
from aigc_cli.core.console import abandon_stdout, open_missing_streams, utf8_streams
from aigc_cli.core.errors import AigcError, CannotCreate
from aigc_cli.core.messages import tr
from aigc_cli.core.plain import one_line

app = typer.Typer(
    name="aigc",
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
) -> None:
    pass


prepare.register(app)
train_gan.register(app)
train_gpt.register(app)
sample.register(app)
evaluate.register(app)
chat.register(app)


def main() -> None:
    """Run the command line and exit with its status."""
    open_missing_streams()
    utf8_streams()
    signal.signal(signal.SIGTERM, _leave)
    sys.exit(run(sys.argv[1:]))


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind where nothing else catches the signal, so that what is half written is swept away."""
    sys.exit(128 + number)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status; prints at most one line of error."""
    try:
        status = app(arguments, prog_name="aigc", standalone_mode=False)
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
        abandon_stdout()  # what it has not taken would fail again as the interpreter leaves
        place = f"{error.filename}: " if error.filename else ""
        unexpected = CannotCreate(
            f"{place}{error.strerror or error}", tr("check the disk, the path and its permissions")
        )
        return _report(arguments, str(unexpected), unexpected.exit_code, error)
    except MemoryError as error:
        return _report(arguments, "out of memory (lower --batch-size or --size)", 1, error)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is one line too; --debug shows where
        message = f"unexpected {type(error).__name__}: {error} (a bug: run it again with --debug, and report it)"
        return _report(arguments, message, 1, error)


def _pipe_closed() -> int:
    abandon_stdout()
    return 128 + signal.SIGPIPE


def _usage_error(arguments: list[str], error: typer.TyperException) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
        return 2
    return _report(arguments, f"{one_line(message).rstrip('.')} (see {_program(arguments)} --help)", 2, error)


def _program(arguments: list[str]) -> str:
    """Return the command's name for messages: `aigc train-gan`, `aigc prepare chat`."""
    names: list[str] = []
    for argument in arguments:
        if argument.startswith("-") or len(names) == 2:
            break
        names.append(argument)
    if names and names[0] not in ("prepare", "eval"):
        names = names[:1]
    return " ".join(["aigc", *names])


def _report(arguments: list[str], message: str, status: int, error: BaseException) -> int:
    if "--debug" in arguments or os.environ.get("AIGC_DEBUG"):
        traceback.print_exception(error)
    print(one_line(f"{_program(arguments)}: error: {message}"), file=sys.stderr)
    return status
