"""`aigc doctor`: what is installed and what this machine can do, each with its remedy where something is missing."""

import os

import typer

from aigc_cli.commands.inspection import Check, check, clock, extras, installation, machine, terminal
from aigc_cli.config.files import config_files, read_tables, unknown_variables
from aigc_cli.core.errors import BadConfig, Unavailable
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import known_variables, with_settings
from aigc_cli.table import sections

EXAMPLES = """\b
Examples:
  aigc doctor
  aigc doctor --json | jq -r 'select(.status != "ok") | .remedy'
"""


def doctor(console: Console) -> None:
    """Report versions, devices, memory, terminal, extras, weights and configuration, and what is missing."""
    checks = [*installation(), *machine(), *terminal(os.environ), *clock(), *extras(), *_configuration()]
    console.rows(checks)
    broken = [line for line in checks if line["status"] == "broken"]
    if broken:
        raise Unavailable(
            tr("{count} checks failed, the first is {name}", count=len(broken), name=broken[0]["check"]),
            str(broken[0]["remedy"]),
        )


def _configuration() -> list[Check]:
    """Return a check a configuration file that is there, and one of the AIGC_ variables."""
    checks = []
    for path in config_files(os.environ):
        try:
            if read_tables(path, sections()) or path.is_file():
                checks.append(check("configuration", str(path.absolute())))
        except BadConfig as error:
            checks.append(check("configuration", str(path.absolute()), str(error), required=True))
    known = known_variables()
    try:
        strange = unknown_variables(known)
        checks.append(check("variables", ", ".join(name for name in os.environ if name in known)))
        checks += [check(name, None, tr("no setting of aigc: remove it, if it was meant for it")) for name in strange]
    except BadConfig as error:
        checks.append(check("variables", None, str(error), required=True))
    return checks


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor", epilog=EXAMPLES)(with_settings(doctor))
