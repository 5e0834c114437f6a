"""How bash, zsh and fish ask for candidates: the script of each, where it is installed, and the answer it gets.

A script asks with the words before the cursor behind `--` and its shell's name in `_UWF_COMPLETE`; bash, which takes
words apart at `@`, `=` and `:`, hands over the line and what it is about to replace. The answer's first line is the
kind of the candidates: `words`, which follow, each with its meaning behind a tab; or `files`, `folders`, `yaml`, which
the shell finds and quotes itself. No script evaluates any of it, and all call the `uwf` of the PATH: a program that
lies in the folder of an untrusted project is not run by TAB.
"""

from __future__ import annotations

import os

from uwf import config
from uwf.cli.command import SHELLS, SHOW_COMPLETION
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.cli.line.complete import Candidates
    from uwf.cli.screen.output import Output

BASH = r"""
_uwf_completion() {
    local kind="" line
    COMPREPLY=()
    {
        IFS= read -r kind
        while IFS= read -r line; do COMPREPLY+=("$line"); done
    } < <(_UWF_COMPLETE=bash command uwf -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case $kind in
        files) return ;;
        folders | yaml)
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
                compgen -d -- "$2"
                [ "$kind" = folders ] || compgen -f -X '!*.yaml' -- "$2"
                [ "$kind" = folders ] || compgen -f -X '!*.yml' -- "$2"
            ) ;;
    esac
    compopt +o default 2>/dev/null
}
complete -o default -o nosort -F _uwf_completion uwf 2>/dev/null ||
    complete -o default -F _uwf_completion uwf
"""

ZSH = r"""
#compdef uwf
_uwf() {
    local line word meaning
    local -a answer offers
    answer=("${(@f)$(_UWF_COMPLETE=zsh command uwf -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    [[ $PREFIX == --*=* && $answer[1] != words ]] && compset -P '--*='
    case $answer[1] in
        files) _files ;;
        folders) _files -/ ;;
        yaml) _files -g '*.(yaml|yml)(-.)' ;;
        words)
            for line in "${(@)answer[2,-1]}"; do
                word=${line%%$'\t'*} meaning=${line#*$'\t'}
                offers+=("${word//:/\\:}${meaning:+:$meaning}")
            done
            _describe -V -t values uwf offers ;;
    esac
}
if [[ $funcstack[1] == _uwf ]]; then
    _uwf "$@"
else
    compdef _uwf uwf
fi
"""

FISH = r"""
function __uwf_offers
    set -l before (commandline -opc)
    set -e before[1]
    set -l current (commandline -ct)
    set -l answer (env _UWF_COMPLETE=fish uwf -- $before "$current" 2>/dev/null)
    set -l kind $answer[1]
    set -e answer[1]
    set -l flag (string match -r -- '^--[a-z-]+=' "$current")
    set -l value (string replace -r -- '^--[a-z-]+=' '' "$current")
    switch "$kind"
        case words
            printf '%s\n' $answer
        case files
            printf "$flag%s\n" (__fish_complete_path "$value")
        case folders
            printf "$flag%s\n" (__fish_complete_directories "$value")
        case yaml
            printf "$flag%s\n" (__fish_complete_path "$value" | string match -r -- '.*(?:/|\.ya?ml)(?:\t.*)?$')
    end
end
complete --command uwf --erase
complete --command uwf --no-files --keep-order --arguments '(__uwf_offers)'
"""

SCRIPTS = dict(zip(SHELLS, (BASH.lstrip(), ZSH.lstrip(), FISH.lstrip()), strict=True))


def answer(shell: str, words: Sequence[str]) -> str:
    """The answer to a script of ours that asks with `words`; "" to any other."""
    from uwf.cli.line.complete import candidates

    if list(words[:1]) != ["--"] or shell not in SCRIPTS:
        return ""
    asked, tail = list(words[1:]), ""
    if shell == "bash":
        line, tail = asked
        asked = _split(line)[1:]
    else:
        asked[-1:] = [word.lstrip("'\"") for word in asked[-1:]]
    found = candidates(asked)
    if shell == "bash":
        return _lines(found, _kept(asked[-1], tail), with_meaning=False)
    return _lines(found, 0, with_meaning=True)


def run(words: Sequence[str], out: Output) -> int:
    """`uwf --install-completion [SHELL]` and `uwf --show-completion [SHELL]`."""
    option, has_value, shell = words[0].partition("=")
    rest = [shell, *words[1:]] if has_value else list(words[1:])
    if len(rest) > 1:
        raise InputError(
            f"{option} takes the name of one shell", hint=f"uwf {option} bash", code="usage"
        )
    shell = rest[0] if rest else _own_shell(option)
    if shell not in SCRIPTS:
        raise InputError(
            f"uwf completes in {_either('and')}, not in {shell!r}",
            hint=f"uwf {option} bash",
            code="usage",
        )
    if option == SHOW_COMPLETION:
        out.write(SCRIPTS[shell])
        return 0
    path = install(shell)
    out.text(f"{shell} completion installed in {path}")
    out.note("it takes effect in the next shell")
    return 0


def install(shell: str) -> str:
    """Put the script where `shell` finds it, in place of an older one; the path. May be called twice."""
    from shlex import quote

    if shell == "fish":
        path = os.path.join(config.fish_folder(), "completions", "uwf.fish")
        _write(path, SCRIPTS[shell])
    elif shell == "zsh":
        folder = config.zsh_folder()
        path = os.path.join(folder, ".zfunc", "_uwf")
        _write(path, SCRIPTS[shell])
        line = f"fpath+=({quote(os.path.dirname(path))}); autoload -Uz compinit; compinit"
        older = (
            "fpath+=~/.zfunc; autoload -Uz compinit" if folder == os.path.expanduser("~") else line
        )
        _add_line(os.path.join(folder, ".zshrc"), line, older)
    else:
        folder = os.path.expanduser("~")
        path = os.path.join(folder, ".bash_completions", "uwf.sh")
        _write(path, SCRIPTS[shell])
        _add_line(os.path.join(folder, ".bashrc"), f"source {quote(path)}", f"source '{path}'")
    return path


def _own_shell(option: str) -> str:
    import shellingham  # type: ignore[import-untyped]

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        raise InputError(
            f"cannot tell which shell this is: name it, {_either('or')}",
            hint=f"uwf {option} bash",
            code="usage",
        ) from None


def _either(word: str) -> str:
    *most, last = SCRIPTS
    return f"{', '.join(most)} {word} {last}"


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _add_line(path: str, line: str, older: str) -> None:
    """Append `line` to the file, unless it or the `older` form of it is there."""
    before = b""
    if os.path.exists(path):
        with open(path, "rb") as file:
            before = file.read()
    there = [each.strip() for each in before.split(b"\n")]
    if any(each.startswith(form.encode()) for each in there for form in (line, older)):
        return
    with open(path, "ab") as file:
        file.write(b"" if before.endswith(b"\n") or not before else b"\n")
        file.write(line.encode() + b"\n")


def _split(line: str) -> list[str]:
    """The words of a line up to the cursor; the last one, which may be empty, is what is being typed."""
    import shlex

    cursor = "\0"
    reader = shlex.shlex(line.replace(cursor, "") + cursor, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    words = []
    try:
        for word in reader:
            words.append(word)
    except ValueError:  # a quote is still open
        words.append(reader.token)
    return [word.replace(cursor, "") for word in words]


def _kept(word: str, tail: str) -> int:
    """How much of the beginning of `word` bash leaves as it is when it replaces `tail`."""
    return len(word) - len(tail) if word.endswith(tail) else 0


def _lines(found: Candidates, skip: int, *, with_meaning: bool) -> str:
    lines = [found.kind]
    for each in found.words:
        word = each.word[skip:]
        lines.append(f"{word}\t{each.meaning}" if with_meaning else word)
    return "\n".join(lines) + "\n"
