"""Where the cursor stands in a command line that is being typed: at a command, an option, or the value of a parameter.

It reads the same declarations as `parse.py`, and of a line that is not right yet, as much as can be understood.
"""

from __future__ import annotations

import os

from uwf.cli import complete, index
from uwf.cli.command import COMMON, Common
from uwf.cli.complete import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uwf.cli.command import Command, Param
    from uwf.cli.complete import Offer


def answer(words: Sequence[str], alone: dict[str, str]) -> Answer:
    """What may stand in place of the last of `words`, which follow the program's name. Reads, and writes nothing.

    `alone` are the options that stand without a command, with their help.
    """
    return _Line(words[:-1], alone).offers(words[-1] if words else "")


class _Line:
    """What stands before the word at the cursor."""

    def __init__(self, words: Sequence[str], alone: dict[str, str]) -> None:
        self._alone = alone
        self._flags: dict[str, Param] = {flag: p for p in COMMON for flag in p.spec.flags}
        self._group = ""
        self._command: Command | None = None
        self._is_known = True
        self._home: str | None = None
        self._given: set[str] = set()
        self._arguments = 0
        self._waits: Param | None = None
        self._only_arguments = False
        for word in words:
            self._take(word)

    def _take(self, word: str) -> None:
        if self._waits is not None:
            self._note(self._waits, word)
            self._waits = None
        elif self._is_option(word):
            self._take_option(word)
        elif self._command is None:
            self._take_name(word)
        else:
            self._arguments += 1

    def _is_option(self, word: str) -> bool:
        return not self._only_arguments and word[:1] == "-" and word != "-"

    def _take_option(self, word: str) -> None:
        if word == "--":
            self._only_arguments = True
            return
        flag, has_value, text = word.partition("=")
        if word[:2] != "--":
            flag, has_value, text = word[:2], word[2:], word[2:]
        param = self._flags.get(flag)
        if param is None:
            return
        self._given.add(param.name)
        if has_value:
            self._note(param, text)
        elif not param.is_flag:
            self._waits = param

    def _note(self, param: Param, text: str) -> None:
        if param.name == "home":
            self._home = os.path.expanduser(text)  # which the shell would have done

    def _take_name(self, word: str) -> None:
        name = f"{self._group} {word}".strip()
        if name in index.MODULES:
            self._command = index.load(name)
            self._flags |= {flag: p for p in self._command.params for flag in p.spec.flags}
        elif name in index.GROUPS:
            self._group = name
        else:
            self._is_known = False

    def offers(self, word: str) -> Answer:
        if not self._is_known:
            return Answer()
        if self._waits is not None:
            return self._values(self._waits, word)
        if self._is_option(word) or (word == "-" and not self._only_arguments):
            flag, has_value, text = word.partition("=")
            param = self._flags.get(flag)
            if not has_value:
                return Answer(offers=tuple(self._options(word)))
            if param is None or param.is_flag:
                return Answer()
            found = self._values(param, text)
            return Answer(found.kind, tuple((f"{flag}={each}", why) for each, why in found.offers))
        if self._command is None:
            return Answer(offers=tuple(self._names(word)))
        arguments = [param for param in self._command.params if not param.is_option]
        if arguments and arguments[-1].many:
            return self._values(arguments[min(self._arguments, len(arguments) - 1)], word)
        if self._arguments < len(arguments):
            return self._values(arguments[self._arguments], word)
        return Answer()

    def _values(self, param: Param, prefix: str) -> Answer:
        from uwf.cli.context import Context
        from uwf.cli.output import Output

        context = Context(Common(home=self._home), Output())
        context.patience_s = 1.0
        try:
            return complete.values(param, context, prefix)
        finally:
            context.close()

    def _options(self, word: str) -> Iterator[Offer]:
        options = {
            flag: param.spec.help
            for flag, param in self._flags.items()
            if param.many or param.name not in self._given
        }
        if self._command is None and not self._group:
            options |= self._alone
        options["--help"] = "Show this message and exit."
        for flag, help in options.items():
            if flag.startswith(word):
                yield flag, complete.short(help)

    def _names(self, word: str) -> Iterator[Offer]:
        if not self._group:
            for group, help in index.GROUPS.items():
                if group.startswith(word):
                    yield group, complete.short(help)
        for name in index.in_group(self._group):
            last = name.rpartition(" ")[2]
            if last.startswith(word):
                yield last, complete.short(index.load(name).help)
