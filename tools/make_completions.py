"""Write the shell completions from the command line itself: `python tools/make_completions.py completions`.

The scripts hold the options and their choices, and find runs, prepared sets and expressions by reading the files that
say so, with the shell's own words: completing starts no Python and no other program. Typer's own scripts start the
program once a key in bash and twice in fish. Descriptions are English: a script is loaded before a locale is known.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command_line import Command, Parameter, read_commands

from aigc_cli.data.chat.sources import DEMO_LOGS
from aigc_cli.data.pictures.dicebear import list_styles

RUN, SET = "aigc.json", "manifest.json"


@dataclass(frozen=True)
class Values:
    """What completes a value: these words, folders that a marker of these kinds (none: any) marks, and `rest`.

    `words` may name one of LISTS instead. `rest` is "files", "folders" or "free", where nothing can be known.
    """

    words: tuple[str, ...] | str = ()
    marker: str = ""
    kinds: tuple[str, ...] = ()
    expressions: bool = False
    rest: str = "free"


# By command and option or argument, where the metavar alone does not say it; `test_values_are_of_real_parameters`.
MODEL = Values(("smollm2",), RUN, ("text",), rest="files")
VALUES = {
    "train-gan DATA": Values((), SET, ("images",), rest="folders"),
    "train-gan --output": Values((), RUN, ("face",), rest="folders"),
    "train-gan --init": Values((), RUN, ("face",), rest="folders"),
    "train-gpt DATA": Values((), SET, ("chat", "text"), rest="folders"),
    "train-gpt --output": Values((), RUN, ("text",), rest="folders"),
    "train-gpt --init": MODEL,
    "sample --label": Values(expressions=True),
    "chat RUN": Values((), RUN, ("text",), rest="folders"),
    "chat --face": Values((), RUN, ("face",), rest="folders"),
    "prepare images SRC": Values("styles", rest="files"),
    "prepare chat SRC": Values("demos", rest="files"),
    "prepare forget SET": Values((), SET, ("chat",), rest="folders"),
    "eval images REAL": Values((), SET, ("images",), rest="folders"),
    "eval text RUN": Values((), RUN, ("text",), rest="folders"),
    "eval text DATA": Values((), SET, ("chat", "text"), rest="folders"),
    "eval text --base": MODEL,
    "config show COMMAND": Values("sections"),
}
METAVARS = {
    "RUN": Values((), RUN, rest="folders"),
    "DATA": Values((), SET, rest="folders"),
    **dict.fromkeys(("DIR", "GENERATED", "A", "B"), Values(rest="folders")),
    **dict.fromkeys(("FILE", "OUT", "PATH", "SRC", "MODEL"), Values(rest="files")),
}


def values_of(command: Command, parameter: Parameter) -> Values:
    """Return what completes a value of a command's option or argument."""
    if parameter.choices:
        return Values(parameter.choices)
    metavar = parameter.metavar.strip("[]")
    key = f"{name_of(command)} {parameter.names[-1] if parameter.names else metavar}"
    if key in VALUES:
        return VALUES[key]
    return Values(tuple(metavar.split("|"))) if "|" in metavar else METAVARS.get(metavar, Values())


def lists_of(root: Command) -> dict[str, tuple[str, ...]]:
    """Return the lists of words that `Values.words` may name."""
    return {
        "styles": ("dicebear:", *(style["source"] for style in list_styles() if style["allowed"])),
        "demos": tuple(DEMO_LOGS),
        "sections": tuple(command.section for command in root.walk() if command.section),
    }


BASH = r"""# bash completion for aigc (bash 4 or newer); made by tools/make_completions.py
@LISTS@
_aigc_words() { # WORD...: those that begin as the word does
    COMPREPLY+=($(compgen -W "$*" -- "$word"))
}

_aigc_marked() { # MARKER KIND...: the folders that hold a marker of one of the kinds, up to two levels below
    local marker=$1 file found kind text
    shift
    for file in "$word"*/"$marker" "$word"*/*/"$marker"; do
        [[ -e $file ]] || continue
        IFS= read -r -d '' -n 4096 text <"$file"
        for kind in "${@:-}"; do
            if [[ $text == *$'\n "kind": '"\"$kind"* ]]; then
                printf -v found %q "${file%/*}" # as a whole word: a folder of its kind is not gone into
                COMPREPLY+=("$found")
            fi
        done
    done
}

_aigc_expressions() { # the labels of the run that the line names
    local run line inside
    for run in "${COMP_WORDS[@]:1}"; do
        [[ -f $run/aigc.json && -f $run/config.json ]] || continue
        inside=''
        while IFS= read -r line; do
            case $line in
                *'"label_names": []'*) ;;
                *'"label_names": ['*) inside=1 ;;
                *']'*) inside='' ;;
                *) if [[ $inside ]]; then line=${line#*\"} && _aigc_words "${line%\"*}"; fi ;;
            esac
        done <"$run/config.json"
    done
}

_aigc_rest() { # files, folders or free: what may stand there beside what was found
    case $1 in
        files) if [[ ${#COMPREPLY[@]} -gt 0 && $word ]]; then COMPREPLY+=($(compgen -f -- "$word")); fi ;;
        folders) if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o dirnames +o default; fi ;;
        free) compopt +o default ;;
    esac
    if [[ $1 == files && ! $word ]]; then COMPREPLY=(); fi
}

_aigc() {
    local IFS=$' \t\n' word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' next i words=''
    local line=${COMP_LINE:0:COMP_POINT} colon=''
    COMPREPLY=()
    if [[ $word == '=' ]]; then word=''; fi
    if [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
    if [[ $COMP_WORDBREAKS == *:* && ${line##*[[:space:]]} == *:* ]]; then # bash cuts words at colons
        word=${line##*[[:space:]]}
        colon=${word%"${word##*:}"}
        read -r -a words <<<"${line%"$word"}"
        previous=${words[${#words[@]} - 1]}
        words=''
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="${command:+$command }${COMP_WORDS[i]}"
        case $next in
            @KNOWN@) command=$next ;;
        esac
    done
    _aigc_reply
    COMPREPLY=("${COMPREPLY[@]#"$colon"}")
}

_aigc_reply() {
    case $command in
@CASES@    esac
    if [[ $words ]]; then compopt -o nosort 2>/dev/null; fi # as in --help; bash before 4.4 sorts all the same
    _aigc_words "$words"
}

complete -o default -F _aigc aigc
"""

ZSH = r"""#compdef aigc
# zsh completion for aigc; made by tools/make_completions.py
@LISTS@
_aigc_values() { # REST MARKER KINDS WORD...: words, folders that hold a marker of one of the kinds, and the rest
    local rest=$1 marker=$2 kinds=$3 file kind
    local -a found
    shift 3
    if [[ -n $marker ]]; then
        for file in ${(Q)~PREFIX}*/$marker(N) ${(Q)~PREFIX}*/*/$marker(N); do
            for kind in ${=kinds:-any}; do
                if [[ $kind == any || $(<$file) == *$'\n "kind": "'$kind* ]]; then found+=($file:h); fi
            done
        done
        (( $#found )) && compadd -- $found
    fi
    (( $# )) && compadd -- "$@"
    case $rest in
        files) _files ;;
        folders) (( $#found )) || _files -/ ;;
    esac
}

_aigc_expressions() { # the labels of the run that the line names
    local run text
    for run in ${(Q)words}; do
        [[ -f $run/aigc.json && -f $run/config.json ]] || continue
        text=$(<$run/config.json)
        [[ $text == *'"label_names": ['* ]] || continue
        text=${${text#*'"label_names": ['}%%']'*}
        compadd -- ${(Q)${(f)text}//[, ]/}
    done
}

@FUNCTIONS@_aigc "$@"
"""

FISH = r"""# fish completion for aigc; made by tools/make_completions.py
@LISTS@
function __aigc_in # COMMAND: succeeds if it is the command of the line
    set -l command
    for word in (commandline -opc)[2..]
        if contains -- (string join -- ' ' $command $word) @KNOWN@
            set -a command $word
        end
    end
    test "$command" = "$argv[1]"
end

function __aigc_values # REST MARKER KINDS WORD...: words, folders that hold a marker of one of the kinds, the rest
    set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
    set -l found
    if test -n "$argv[2]"
        for file in $word*/$argv[2] $word*/*/$argv[2]
            if string match -qr '^ "kind": "('(string replace -a ' ' '|' -- "$argv[3]")')' <$file
                set -a found (string replace -r '/[^/]*$' '' -- $file)
            end
        end
    end
    printf '%s\n' $argv[4..] $found
    if test "$argv[1]" = folders; and not set -q found[1]
        __fish_complete_directories $word
    end
end

function __aigc_expressions # the labels of the run that the line names
    for run in (commandline -opc)[2..]
        if test -f $run/aigc.json; and test -f $run/config.json
            set -l lines (string match -e -r '' <$run/config.json)
            set -l start (contains -i -- ' "label_names": [' $lines); or continue
            for line in $lines[(math $start + 1)..]
                string match -q '*]*' -- $line; and break
                string replace -r '^ *"(.*)",?$' '$1' -- $line
            end
        end
    end
end

complete -c aigc -f
@LINES@"""


def bash(root: Command) -> str:
    """Return the bash script."""
    known = " | ".join(f"'{name_of(command)}'" for command in root.walk() if command is not root)
    cases = "".join(line + "\n" for command in root.walk() for line in _bash_case(command))
    lists = "".join(f"_aigc_{name}='{' '.join(words)}'\n" for name, words in lists_of(root).items())
    return BASH.replace("@KNOWN@", known).replace("@CASES@", cases).replace("@LISTS@\n", lists)


def _bash_case(command: Command) -> Iterator[str]:
    yield f"        '{name_of(command)}')"
    values: dict[str, list[str]] = {}
    for option in command.options:
        if option.metavar:
            values.setdefault(_bash_values(values_of(command, option)), []).extend(option.names)
    if values:
        yield "            case $previous in"
        yield from (f"                {' | '.join(names)}) {value}return ;;" for value, names in values.items())
        yield "            esac"
    names = " ".join(name for option in command.options for name in option.names)
    yield f"            if [[ $word == -?* ]]; then words='{names}'"
    if command.children:
        yield f"            else words='{' '.join(child.path[-1] for child in command.children)}'; fi"
    else:
        yield f"            else {_bash_values(*(values_of(command, each) for each in command.arguments))}fi"
    yield "            ;;"


def _bash_values(*several: Values) -> str:
    """Return the statements that offer the values; those of several arguments together, whichever of them it is."""
    statements = []
    for values in several:
        words = f"$_aigc_{values.words}" if isinstance(values.words, str) else f"'{' '.join(values.words)}'"
        statements += [f"_aigc_words {words}"] if values.words else []
        statements += [" ".join(["_aigc_marked", values.marker, *values.kinds])] if values.marker else []
        statements += ["_aigc_expressions"] if values.expressions else []
    rests = {values.rest for values in several}
    rest = next((kind for kind in ("files", "folders") if kind in rests), "free")
    return "; ".join([*dict.fromkeys(statements), f"_aigc_rest {rest}"]) + "; "


def zsh(root: Command) -> str:
    """Return the zsh script."""
    lists = "".join(f"typeset -ga _aigc_{name}=({' '.join(words)})\n" for name, words in lists_of(root).items())
    functions = "".join(_zsh_function(command) for command in root.walk())
    return ZSH.replace("@FUNCTIONS@", functions).replace("@LISTS@\n", lists)


def _zsh_function(command: Command) -> str:
    specs = [spec for option in command.options for spec in _zsh_option(command, option)]
    function = "_" + "_".join(command.path).replace("-", "_")
    if not command.children:
        specs += [f"'{spec}'" for spec in _zsh_arguments(command)]
        body = " \\\n        ".join(["    _arguments -s", *specs])
        return f"{function}() {{\n{body}\n}}\n\n"
    body = " \\\n        ".join(["    _arguments -C", *specs, "'1:command:->command'", "'*::argument:->rest'"])
    described = "\n".join(
        f"                '{child.path[-1]}:{_zsh_text(child.summary)}'" for child in command.children
    )
    calls = "\n".join(
        f"                {child.path[-1]}) _{'_'.join(child.path).replace('-', '_')} ;;" for child in command.children
    )
    return (
        f"{function}() {{\n    local state line\n    typeset -A opt_args\n{body}\n"
        f"    case $state in\n        command)\n            local -a commands=(\n{described}\n            )\n"
        "            _describe -V command commands\n            ;;\n"
        f"        rest)\n            case $words[1] in\n{calls}\n            esac\n            ;;\n    esac\n}}\n\n"
    )


def _zsh_arguments(command: Command) -> Iterator[str]:
    for number, argument in enumerate(command.arguments, start=1):
        place = "*" if argument.repeated else str(number)
        yield f"{place}:{_zsh_text(argument.metavar.strip('[]'))}:{_zsh_action(values_of(command, argument))}"


def _zsh_option(command: Command, option: Parameter) -> Iterator[str]:
    exclusive = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    exclusive = "*" if option.repeated else exclusive
    for name in option.names:
        joined = ("=" if name.startswith("--") else "+") if option.metavar else ""
        value = f":{_zsh_text(option.metavar)}:{_zsh_action(values_of(command, option))}" if option.metavar else ""
        yield f"'{exclusive}{name}{joined}[{_zsh_text(option.help)}]{value}'"


def _zsh_action(values: Values) -> str:
    if values.expressions:
        return "_aigc_expressions"
    if values.marker or isinstance(values.words, str):
        named = f"$_aigc_{values.words}" if isinstance(values.words, str) else " ".join(values.words)
        return f' _aigc_values {values.rest} "{values.marker}" "{" ".join(values.kinds)}" {named}'.rstrip()
    if values.words:
        return f"({' '.join(values.words)})"
    return {"folders": "_files -/", "files": "_files", "free": " "}[values.rest]


def _zsh_text(text: str) -> str:
    for letter in "\\[]:":
        text = text.replace(letter, "\\" + letter)
    return text.replace("'", "'\\''")


def fish(root: Command) -> str:
    """Return the fish script."""
    known = " ".join(f"'{name_of(command)}'" for command in root.walk() if command is not root)
    lines = "".join(line + "\n" for command in root.walk() for line in _fish_lines(command))
    lists = "".join(f"set -g __aigc_{name} {' '.join(words)}\n" for name, words in lists_of(root).items())
    return FISH.replace("@KNOWN@", known).replace("@LINES@", lines).replace("@LISTS@\n", lists)


def _fish_lines(command: Command) -> Iterator[str]:
    start = f"complete -c aigc -n '__aigc_in \"{name_of(command)}\"'"
    for child in reversed(command.children):  # what is kept in order stands before what was kept earlier
        yield f"{start} -k -a {child.path[-1]} -d '{_fish_text(child.summary)}'"
    for option in command.options:
        opposed = any(name.startswith("--no-") for name in option.names)
        value = _fish_values(values_of(command, option)) if option.metavar else ""
        for names in [(name,) for name in option.names] if opposed else [option.names]:
            spelled = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names)
            yield f"{start} {spelled}{value} -d '{_fish_text(option.help)}'"
    for value in dict.fromkeys(_fish_values(values_of(command, argument)) for argument in command.arguments):
        yield start + value


def _fish_values(values: Values) -> str:
    files = " -r -F" if values.rest == "files" else " -x"
    if values.expressions:
        return f"{files} -a '(__aigc_expressions)'"
    if values.marker or isinstance(values.words, str):
        named = f"$__aigc_{values.words}" if isinstance(values.words, str) else " ".join(values.words)
        call = f'__aigc_values {values.rest} "{values.marker}" "{" ".join(values.kinds)}" {named}'.rstrip()
        return f"{files} -a '({call})'"
    if values.words:
        return f"{files} -a '{' '.join(values.words)}'"
    return " -x -a '(__fish_complete_directories)'" if values.rest == "folders" else files


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def name_of(command: Command) -> str:
    """Return the command's words after `aigc`."""
    return " ".join(command.path[1:])


def main(folder: Path) -> None:
    """Write the three scripts into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    root = read_commands()
    for name, script in (("aigc.bash", bash(root)), ("_aigc", zsh(root)), ("aigc.fish", fish(root))):
        (folder / name).write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
