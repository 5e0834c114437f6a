"""What may stand at the cursor of a command line being typed. It only reads, and where that fails, offers nothing.

How far the line before the cursor is understood, `parse.py` says; what there is in a home, the app; how the shells ask
is in `shells.py`.
"""

from __future__ import annotations

import os

from uwf import config
from uwf.app import App
from uwf.app.completion import KINDS, MAX_CANDIDATES, Candidate
from uwf.cli import index
from uwf.cli.line.parse import read, split_option
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from uwf.cli.command import Param
    from uwf.cli.line.parse import CommandLine

MAX_MEANING = 60

WORDS, FILES, FOLDERS, YAML = "words", "files", "folders", "yaml"
"""Of which kind the candidates are: our words, or names of files, which the shell finds and quotes itself."""

KNOWN = {
    *KINDS,
    *("workflow name", "pausable", "statuses", "event states", "columns", "groups", "where"),
    *(FILES, FOLDERS, YAML),
}
"""What `complete=` of a declaration may say. A `workflow` may be a file too, but not a `workflow name`."""

PATIENCE_S = 1.0
"""How long TAB waits for a writer of the store."""

_IN_A_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@~-+:=,")
_IN_A_MEANING = _IN_A_WORD | {" "}
"""Names of files and refs are untrusted, and a script of a shell may evaluate its candidates, or put one unquoted on a
line. So what is not surely a plain word is no candidate."""


class Candidates(Record):
    """What may stand at the cursor. `words` are all there is when the kind is WORDS, and empty otherwise."""

    kind: str = WORDS
    words: tuple[Candidate, ...] = ()


def candidates(words: Sequence[str]) -> Candidates:
    """What may stand in place of the last of `words`, which follow the program's name."""
    *before, word = words or [""]
    line = read(before)
    if line.is_lost:
        return Candidates()
    if line.may_be_option(word):
        flag, has_value, text = split_option(word) if word[:2] == "--" else (word, False, "")
        if not has_value:
            return Candidates(words=tuple(_options(line, word)))
        param = line.options.get(flag)
        found = _values(line, param, text) if param and not param.is_flag else Candidates()
        joined = (Candidate(f"{flag}={each.word}", each.meaning) for each in found.words)
        return Candidates(found.kind, tuple(joined))
    if line.awaiting is None and line.command is None:
        return Candidates(words=tuple(_names(line.group, word)))
    param = line.awaiting or line.next_argument
    return _values(line, param, word) if param else Candidates()


def is_harmless(word: str) -> bool:
    """Whether no shell reads more than a word in `word`, quoted or not, evaluated or not, nor a command an option."""
    return bool(word) and word[0] not in "-~=+" and _IN_A_WORD.issuperset(word)


def harmless(text: str) -> str:
    """`text` on one short line, and of it only what no shell and no terminal reads as anything else."""
    kept = (char if char in _IN_A_MEANING else " " for char in text[: 4 * MAX_MEANING])
    return _short("".join(kept))


def _names(group: str, prefix: str) -> Iterator[Candidate]:
    if not group:
        for name, help in index.GROUPS.items():
            if name.startswith(prefix):
                yield Candidate(name, _short(help))
    for name in index.in_group(group):
        last = name.rpartition(" ")[2]
        if last.startswith(prefix):
            yield Candidate(last, _short(index.load(name).help))


def _options(line: CommandLine, prefix: str) -> Iterator[Candidate]:
    options = {
        flag: param.spec.help
        for flag, param in line.options.items()
        if param.many or param.name not in line.given
    }
    options["--help"] = "Show this message and exit."
    for flag, help in options.items():
        if flag.startswith(prefix):
            yield Candidate(flag, _short(help))


def _values(line: CommandLine, param: Param, prefix: str) -> Candidates:
    what = param.spec.complete
    if what in (FILES, FOLDERS, YAML):
        return Candidates(what)
    if what == "workflow" and (os.sep in prefix or prefix[:1] in (".", "~")):
        return Candidates(YAML)
    known = _known(line, what, prefix) if what else map(Candidate, param.spec.choices)
    words = tuple(_harmless_words(known, prefix))
    if what == "workflow" and prefix and not words:
        return Candidates(YAML)
    return Candidates(WORDS, words)


def _known(line: CommandLine, what: str, prefix: str) -> Iterator[Candidate]:
    home = line.given.get("home")
    # The shell has not yet put the home folder in place of a `~`.
    with App.open(home and os.path.expanduser(home), wait_s=PATIENCE_S) as app:
        if what == "columns":
            from uwf.cli.thread.columns import COLUMNS

            yield from _next_of_list(map(Candidate, COLUMNS), prefix)
        elif what == "groups":
            from uwf.cli.thread.columns import GROUPS

            yield from map(Candidate, GROUPS)
        elif what == "statuses":
            yield from _next_of_list(app.complete("status"), prefix)
        elif what == "event states":
            yield from _next_of_list(app.complete("event state"), prefix)
        elif what == "where":
            yield from _condition(app, prefix)
        elif what == "pausable":
            yield Candidate("on", "pause everything")
            yield Candidate("off", "let everything go on")
            yield from app.complete("agent", prefix)
        else:
            yield from app.complete(what.removesuffix(" name"), prefix)


def _condition(app: App, prefix: str) -> Iterator[Candidate]:
    """What `--where` may say: a key, then what there is for it."""
    from uwf.cli.thread.selection import KEYS

    key, equals, value = prefix.partition("=")
    if not equals:
        yield from (Candidate(f"{each}=") for each in KEYS)
    elif key in ("status", "class"):
        for each in _next_of_list(app.complete(key), value):
            yield Candidate(f"{key}={each.word}", each.meaning)
    elif key == "workflow":
        for each in app.complete(key, value):
            yield Candidate(f"{key}={each.word}", each.meaning)


def _next_of_list(known: Iterable[Candidate], prefix: str) -> Iterator[Candidate]:
    """The next of several words that are separated by commas."""
    before, comma, _ = prefix.rpartition(",")
    for each in known:
        if each.word not in before.split(","):
            yield Candidate(before + comma + each.word, each.meaning)


def _harmless_words(known: Iterable[Candidate], prefix: str) -> Iterator[Candidate]:
    left = MAX_CANDIDATES
    try:
        for each in known:
            if each.word.startswith(prefix) and is_harmless(each.word):
                yield Candidate(each.word, harmless(each.meaning))
                left -= 1
            if not left:
                return
    except Exception:  # a shell prompt is no place for an error: the command itself will tell
        if config.is_debugging():
            raise


def _short(text: str) -> str:
    """`text` on one line that fits beside a word."""
    line = " ".join(text.split())
    if len(line) <= MAX_MEANING:
        return line
    whole_words = line[: MAX_MEANING - 2].rpartition(" ")[0] or line[: MAX_MEANING - 3]
    return f"{whole_words.rstrip(',;:')}..."
