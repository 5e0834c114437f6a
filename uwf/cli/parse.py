"""The strict parser: well-formed command lines, straight to the function that typer would call.

It understands every registered command, and of the many ways to write a command line those that typer reads
in the same way; a property test holds the two together. Anything else (an unknown option, a missing value,
`--help`) is None: the caller then asks typer, which has the words for it.
"""

from __future__ import annotations

from uwf.cli import index
from uwf.cli.command import COMMON, Call, Common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.cli.command import Param

_COMMON_FLAGS = {flag: param for param in COMMON for flag in param.spec.flags}


def parse(words: Sequence[str]) -> Call | None:
    """`words` are the command line without the program's name."""
    common: dict[str, Any] = {}
    at = 0
    while at < len(words) and words[at][:1] == "-":
        at = _take_option(words, at, _COMMON_FLAGS, common)
        if not at:
            return None
    name, at = _take_name(words, at)
    if not name:
        return None
    command = index.load(name)
    flags = {flag: param for param in command.params for flag in param.spec.flags}
    given: dict[str, Any] = {}
    arguments = _take_all(words, at, {**_COMMON_FLAGS, **flags}, given)
    if arguments is None or not _place(arguments, command.params, given):
        return None
    for param in COMMON:
        if param.name in given:
            common[param.name] = given.pop(param.name)
    return Call(command, given, Common(**common))


def _take_name(words: Sequence[str], at: int) -> tuple[str, int]:
    """The command that `words[at:]` begin with, "" if none, and the place behind it."""
    for count in (1, 2):
        name = " ".join(words[at : at + count])
        if name in index.MODULES and name.count(" ") == count - 1:
            return name, at + count
    return "", at


def _take_all(
    words: Sequence[str], at: int, flags: Mapping[str, Param], given: dict[str, Any]
) -> list[str] | None:
    """Take the options out of `words[at:]` into `given`; the arguments are what is left."""
    arguments: list[str] = []
    while at < len(words):
        word = words[at]
        if word == "--":
            return arguments + list(words[at + 1 :])
        if word[:1] != "-" or word == "-":
            arguments.append(word)
            at += 1
            continue
        at = _take_option(words, at, flags, given)
        if not at:
            return None
    return arguments


def _take_option(
    words: Sequence[str], at: int, flags: Mapping[str, Param], given: dict[str, Any]
) -> int:
    """Read the option at `words[at]` into `given`. The place of the next word, or 0 if this is not an option."""
    word = words[at]
    if word[:2] == "--":
        flag, has_value, text = word.partition("=")
    else:
        flag, has_value, text = word[:2], word[2:], word[2:]
    param = flags.get(flag)
    if param is None:
        return 0
    if param.is_flag:
        given[param.name] = True
        return 0 if has_value else at + 1
    if not has_value:
        at += 1
        if at == len(words):
            return 0
        text = words[at]
    try:
        value = param.convert(text)
    except ValueError:
        return 0
    given[param.name] = (*given.get(param.name, ()), value) if param.many else value
    return at + 1


def _place(arguments: list[str], params: Sequence[Param], given: dict[str, Any]) -> bool:
    """Give the arguments to their parameters. False if there are too few or too many."""
    for param in params:
        if param.is_option:
            if param.required and param.name not in given:
                return False
            continue
        if not arguments:
            if param.required:
                return False
            continue
        try:
            if param.many:
                given[param.name] = tuple(param.convert(text) for text in arguments)
                arguments = []
            else:
                given[param.name] = param.convert(arguments.pop(0))
        except ValueError:
            return False
    return not arguments
