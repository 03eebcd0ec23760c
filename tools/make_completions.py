"""Write the shell completions from the command line itself: `python tools/make_completions.py completions`.

The scripts hold the options and their choices, and find runs and prepared sets by the files that mark them, so
that completing starts no Python: typer's own scripts start the program once a key in bash and twice in fish.
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from command_line import Command, Parameter, read_commands

# What a value may be, by its metavar: folders marked by these files, any folder, any file; anything else is free.
MARKERS = {"RUN": "aigc.json", "DATA": "manifest.json"}
FOLDERS = ("DIR", "REAL", "GENERATED", "A", "B")
FILES = ("FILE", "OUT", "PATH", "SRC", "MODEL")

BASH = r"""# bash completion for aigc; made by tools/make_completions.py
_aigc_folders() { # WORD MARKER...: the folders with a marker up to two levels below; without any, all folders
    local word=$1 marker found
    shift
    for marker; do
        for found in "$word"*/"$marker" "$word"*/*/"$marker"; do
            [[ -e $found ]] && COMPREPLY+=("${found%/*}")
        done
    done
    compopt -o filenames
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o dirnames +o default; fi
}

_aigc() {
    local IFS=$' \t\n' word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' next i words
    COMPREPLY=()
    if [[ $word == '=' ]]; then word=''; fi
    if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="${command:+$command }${COMP_WORDS[i]}"
        case $next in
            @KNOWN@) command=$next ;;
        esac
    done
    case $command in
@CASES@    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -o default -F _aigc aigc
"""

ZSH = r"""#compdef aigc
# zsh completion for aigc; made by tools/make_completions.py

_aigc_folders() { # MARKER...: the folders with a marker up to two levels below; without any, all folders
    local -a found
    local marker
    for marker; do
        found+=(${(Q)PREFIX}*/$marker(N:h) ${(Q)PREFIX}*/*/$marker(N:h))
    done
    if (( $#found )); then compadd -f -- $found; else _files -/; fi
}

@FUNCTIONS@_aigc "$@"
"""

FISH = r"""# fish completion for aigc; made by tools/make_completions.py
function __aigc_in # COMMAND: succeeds if it is the command of the line
    set -l command
    for word in (commandline -opc)[2..]
        if contains -- (string join -- ' ' $command $word) @KNOWN@
            set -a command $word
        end
    end
    test "$command" = "$argv[1]"
end

function __aigc_folders # MARKER...: the folders with a marker up to two levels below; without any, all folders
    set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
    set -l found
    for marker in $argv
        set -a found $word*/$marker $word*/*/$marker
    end
    if set -q found[1]
        string replace -r '/[^/]*$' '' -- $found
    else
        __fish_complete_directories $word
    end
end

complete -c aigc -f
@LINES@"""


def kind_of(parameter: Parameter) -> str:
    """Return what completes a value: "choices", "marked", "folders", "files" or "free"."""
    if parameter.choices:
        return "choices"
    if set(parameter.metavar.split("|")) <= MARKERS.keys():
        return "marked"
    return "folders" if parameter.metavar in FOLDERS else "files" if parameter.metavar in FILES else "free"


def bash(root: Command) -> str:
    """Return the bash script."""
    known = " | ".join(f"'{name_of(command)}'" for command in root.walk() if command is not root)
    cases = "".join(line + "\n" for command in root.walk() for line in _bash_case(command))
    return BASH.replace("@KNOWN@", known).replace("@CASES@", cases)


def _bash_case(command: Command) -> Iterator[str]:
    yield f"        '{name_of(command)}')"
    values: dict[str, list[str]] = {}
    for option in command.options:
        if option.metavar:
            values.setdefault(_bash_value(option), []).extend(option.names)
    if values:
        yield "            case $previous in"
        yield from (f"                {' | '.join(names)}) {value}return ;;" for value, names in values.items())
        yield "            esac"
    names = " ".join(name for option in command.options for name in option.names)
    yield f"            if [[ $word == -?* ]]; then words='{names}'"
    positional = positional_of(command)
    if command.children:
        yield f"            else words='{' '.join(child.path[-1] for child in command.children)}'; fi"
    elif positional is None:
        yield "            else compopt +o default; return; fi"
    else:
        yield f"            else {_bash_value(positional)}return; fi"
    yield "            ;;"


def _bash_value(parameter: Parameter) -> str:
    kind = kind_of(parameter)
    if kind == "choices":
        return f"COMPREPLY=($(compgen -W '{' '.join(parameter.choices)}' -- \"$word\")); "
    if kind == "marked":
        return f'_aigc_folders "$word" {markers_of(parameter)}; '
    return {"folders": "compopt -o dirnames +o default; ", "files": "", "free": "compopt +o default; "}[kind]


def zsh(root: Command) -> str:
    """Return the zsh script."""
    return ZSH.replace("@FUNCTIONS@", "".join(_zsh_function(command) for command in root.walk()))


def _zsh_function(command: Command) -> str:
    specs = [spec for option in command.options for spec in _zsh_option(option)]
    function = "_" + "_".join(command.path).replace("-", "_")
    if not command.children:
        positional = positional_of(command)
        specs += [f"'*:{positional.metavar}:{_zsh_action(positional)}'"] if positional else []
        body = " \\\n        ".join(["    _arguments -s", *specs])
        return f"{function}() {{\n{body}\n}}\n\n"
    body = " \\\n        ".join(["    _arguments -C", *specs, "'1:command:->command'", "'*::argument:->rest'"])
    described = "\n".join(f"                '{child.path[-1]}:{_zsh_text(child.help)}'" for child in command.children)
    calls = "\n".join(
        f"                {child.path[-1]}) _{'_'.join(child.path).replace('-', '_')} ;;" for child in command.children
    )
    return (
        f"{function}() {{\n    local state line\n    typeset -A opt_args\n{body}\n"
        f"    case $state in\n        command)\n            local -a commands=(\n{described}\n            )\n"
        "            _describe command commands\n            ;;\n"
        f"        rest)\n            case $words[1] in\n{calls}\n            esac\n            ;;\n    esac\n}}\n\n"
    )


def _zsh_option(option: Parameter) -> Iterator[str]:
    exclusive = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    for name in option.names:
        joined = ("=" if name.startswith("--") else "+") if option.metavar else ""
        value = f":{_zsh_text(option.metavar)}:{_zsh_action(option)}" if option.metavar else ""
        yield f"'{exclusive}{name}{joined}[{_zsh_text(option.help)}]{value}'"


def _zsh_action(parameter: Parameter) -> str:
    kind = kind_of(parameter)
    if kind == "choices":
        return f"({' '.join(parameter.choices)})"
    if kind == "marked":
        return f" _aigc_folders {markers_of(parameter)}"
    return {"folders": "_files -/", "files": "_files", "free": " "}[kind]


def _zsh_text(text: str) -> str:
    for letter in "\\[]:":
        text = text.replace(letter, "\\" + letter)
    return text.replace("'", "'\\''")


def fish(root: Command) -> str:
    """Return the fish script."""
    known = " ".join(f"'{name_of(command)}'" for command in root.walk() if command is not root)
    lines = "".join(line + "\n" for command in root.walk() for line in _fish_lines(command))
    return FISH.replace("@KNOWN@", known).replace("@LINES@", lines)


def _fish_lines(command: Command) -> Iterator[str]:
    start = f"complete -c aigc -n '__aigc_in \"{name_of(command)}\"'"
    for child in command.children:
        yield f"{start} -a {child.path[-1]} -d '{_fish_text(child.help)}'"
    for option in command.options:
        opposed = any(name.startswith("--no-") for name in option.names)
        for names in [(name,) for name in option.names] if opposed else [option.names]:
            spelled = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names)
            yield f"{start} {spelled}{_fish_value(option)} -d '{_fish_text(option.help)}'"
    positional = positional_of(command)
    if positional is not None:
        yield start + _fish_value(positional)


def _fish_value(parameter: Parameter) -> str:
    kind = kind_of(parameter)
    if not parameter.metavar:
        return ""
    if kind == "choices":
        return f" -x -a '{' '.join(parameter.choices)}'"
    if kind == "marked":
        return f" -x -a '(__aigc_folders {markers_of(parameter)})'"
    return {"folders": " -x -a '(__fish_complete_directories)'", "files": " -r -F", "free": " -x"}[kind]


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def name_of(command: Command) -> str:
    """Return the command's words after `aigc`."""
    return " ".join(command.path[1:])


def markers_of(parameter: Parameter) -> str:
    """Return the files that mark the folders a parameter takes; its metavar may name several kinds."""
    return " ".join(MARKERS[kind] for kind in parameter.metavar.split("|"))


def positional_of(command: Command) -> Parameter | None:
    """Return what completes a command's arguments, whichever of them it is; files where one of them may be a file."""
    if not command.arguments:
        return None
    files = [argument for argument in command.arguments if kind_of(argument) == "files"]
    marked = [argument.metavar for argument in command.arguments if kind_of(argument) == "marked"]
    if files or not marked:
        return (*files, *command.arguments)[0]
    return dataclasses.replace(command.arguments[0], metavar="|".join(dict.fromkeys(marked)))


def main(folder: Path) -> None:
    """Write the three scripts into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    root = read_commands()
    for name, script in (("aigc.bash", bash(root)), ("_aigc", zsh(root)), ("aigc.fish", fish(root))):
        (folder / name).write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
