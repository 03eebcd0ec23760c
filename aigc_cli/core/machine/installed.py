"""Files that the installation brings beside its modules: the completion scripts. Knows nothing of what is in them."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from aigc_cli.core.errors import Unavailable
from aigc_cli.core.words.messages import tr

# Shell -> (where an installation has its script, below the prefix; where a checkout has it).
COMPLETIONS = {
    "bash": ("share/bash-completion/completions/aigc.bash", "completions/aigc.bash"),
    "zsh": ("share/zsh/site-functions/_aigc", "completions/_aigc"),
    "fish": ("share/fish/vendor_completions.d/aigc.fish", "completions/aigc.fish"),
}


def completion_script(shell: str) -> Path:
    """Return the completion script of a shell: a checkout's own, else the one that was installed.

    Unavailable if the package was unpacked without the files beside it.
    """
    installed, source = COMPLETIONS[shell]
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").is_file() and (checkout / source).is_file():
        return checkout / source
    try:
        files = distribution("aigc-cli").files or []
    except PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())) for file in files if file.as_posix().endswith(installed)]
    for path in found:
        if path.is_file():
            return path
    raise Unavailable(
        tr("the completion scripts were not installed"),
        tr("install aigc again from its sources: pip install '.[full]'"),
    )
