"""`aigc completion bash|zsh|fish`: print what makes the shell complete the command line at Tab."""

import sys
from typing import Annotated

import typer

from aigc_cli.config.base import did_you_mean
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.installed import COMPLETIONS, completion_script
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import with_settings

EXAMPLES = """\b
Examples:
  source <(aigc completion bash)                            bash: this session; the same line in ~/.bashrc: all
  aigc completion zsh > "${fpath[1]}/_aigc"                 zsh: then start it again
  aigc completion fish > ~/.config/fish/completions/aigc.fish
"""


def completion(
    console: Console,
    shell: Annotated[str, typer.Argument(help="The shell to complete in.", metavar="|".join(COMPLETIONS))],
) -> None:
    """Print the script that completes commands, options, runs, sets and labels in a shell."""
    if shell not in COMPLETIONS:
        raise UsageProblem(
            tr("{name} {value!r} is not known", name="SHELL", value=shell), did_you_mean(shell, list(COMPLETIONS))
        )
    sys.stdout.write(completion_script(shell).read_text(encoding="utf-8"))


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("completion", epilog=EXAMPLES)(with_settings(completion))
