"""The one reader of a command line. It takes word after word, and goes as far as it understands them.

A `CommandLine` knows how far that is, and what may come next: completion asks it. One that is understood to its end is
a `Call`, the same that typer would make of it. Where a word is not understood (an unknown option, a value of the wrong
kind), there is no call, and typer is asked, which has the words for it. `--help` asks for a page of `help_page.py`.
"""

from __future__ import annotations

from uwf.cli import index
from uwf.cli.command import ALONE, COMMON, HELP, Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from uwf.cli.command import CommandSpec, Param


def parse(words: Iterable[str]) -> Call | None:
    """The call that `words` ask for, which follow the program's name. None if typer must say what they ask for."""
    return read(words).call()


def read(words: Iterable[str]) -> CommandLine:
    """`words`, read as far as they are understood."""
    line = CommandLine()
    for word in words:
        line.take(word)
    return line


class CommandLine:
    """The words of a command line, read as far as they are understood."""

    def __init__(self) -> None:
        self.group = ""
        self.command: CommandSpec | None = None
        self.options = _by_flag((*COMMON, *ALONE))
        """The options that may come next, by flag."""
        self.given: dict[str, Any] = {}
        """What was given, by the name of the parameter."""
        self.awaiting: Param | None = None
        """The option whose value must come next."""
        self.is_clear = True
        """Whether every word was understood."""
        self.is_lost = False
        """Whether a word stands for a command that there is not: then nothing behind it can be understood."""
        self.wants_help = False
        """Whether `--help` is among the words."""
        self._arguments = 0
        self._takes_options = True

    def take(self, word: str) -> None:
        """Read one more word."""
        if self._is_bare(word):
            self._settle_bare()
        if self.awaiting is not None:
            self._give(self.awaiting, word)
            self.awaiting = None
        elif self.may_be_option(word) and word != "-":
            self._take_option(word)
        elif self.command is None:
            self._take_name(word)
        elif (param := self.next_argument) is not None:
            self._give(param, word)
            self._arguments += 1
        else:
            self.is_clear = False

    @property
    def names_no_command(self) -> bool:
        """Whether there is nothing but, at most, a group."""
        return self.command is None and self.is_clear and self.awaiting is None and not self.given

    def may_be_option(self, word: str) -> bool:
        """Whether `word`, if it comes next, begins an option."""
        is_next = self.awaiting is None or self.awaiting.spec.bare
        return self._takes_options and is_next and word[:1] == "-"

    @property
    def next_argument(self) -> Param | None:
        """The parameter that takes the next argument; None if none does."""
        arguments = self.command.arguments if self.command else ()
        if self._arguments < len(arguments):
            return arguments[self._arguments]
        return arguments[-1] if arguments and arguments[-1].many else None

    def call(self) -> Call | None:
        """The call, if everything was understood and nothing is missing."""
        self._settle_bare()
        if self.awaiting is not None or not self.is_clear or (self.group and self.command is None):
            return None
        command = self.command or index.greeting()
        if any(param.required and param.name not in self.given for param in command.params):
            return None
        return Call.of(command, self.given)

    def _is_bare(self, word: str) -> bool:
        """Whether the option before `word` stands without a value."""
        return self.awaiting is not None and self.may_be_option(word) and word != "-"

    def _settle_bare(self) -> None:
        if self.awaiting is not None and self.awaiting.spec.bare:
            self._give(self.awaiting, "")
            self.awaiting = None

    def _take_option(self, word: str) -> None:
        if word == "--":
            self._takes_options = False
            self.is_clear &= self.command is not None
            return
        if word in HELP:
            self.wants_help, self.is_clear = True, False
            return
        flag, has_value, text = split_option(word)
        param = self.options.get(flag)
        if param is None or param in ALONE or (param.is_flag and has_value):
            self.is_clear = False
        if param is None:
            return
        if has_value or param.is_flag:
            self._give(param, text)
        else:
            self.awaiting = param

    def _take_name(self, word: str) -> None:
        if self.is_lost:
            return
        name = f"{self.group} {word}".strip()
        if name in index.MODULES:
            self.command = index.load(name)
            self.options = _by_flag((*COMMON, *self.command.params))
        elif name in index.GROUPS:
            self.group, self.options = name, {}
        else:
            self.is_clear, self.is_lost = False, True

    def _give(self, param: Param, text: str) -> None:
        try:
            value = True if param.is_flag else param.convert(text)
        except ValueError:
            self.is_clear = False
            return
        self.given[param.name] = (*self.given.get(param.name, ()), value) if param.many else value


def split_option(word: str) -> tuple[str, bool, str]:
    """An option's word: its flag, whether a value is joined to it, and that value."""
    if word[:2] == "--":
        flag, equals, text = word.partition("=")
        return flag, bool(equals), text
    return word[:2], len(word) > 2, word[2:]


def _by_flag(params: Iterable[Param]) -> dict[str, Param]:
    return {flag: param for param in params for flag in param.spec.flags}
