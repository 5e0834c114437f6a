"""The only file that draws. Data goes to stdout; notes, hints, warnings, errors and progress go to stderr.

A command answers once (`answer`) or line by line (`line`), giving every form of its answer at once: the JSON
document, the ids for `--quiet`, and how to draw it for a reader. Which one is printed is decided here.

On a terminal, Markdown is drawn by rich, tables fit its width, and control characters are left out of what is shown, so
that no agent's reply can steer the terminal. Everywhere else text is plain UTF-8.
"""

from __future__ import annotations

import os
import sys
from types import MappingProxyType

from uwf import config
from uwf.errors import StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any, TextIO


class StdoutGone(Exception):
    """The reader of our stdout has closed it, as `head` does. Nothing is wrong and nothing is left to do."""


class StdoutFailed(StoreError):
    """What should have been printed could not be written."""

    default_code = "stdout"


class Output:
    """Where one command's words go."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.on_terminal = _is_terminal(sys.stdout)
        self._status_shown = False
        self._is_drawing = False
        self._line_fd: int | None = None

    # -- data, on stdout

    def answer(
        self, value: Any, *, ids: Iterable[str] = (), draw: str | Callable[[], None] = ""
    ) -> None:
        """The whole answer: one JSON document (see `document`), or ids, or a text or what draws it."""
        if self.json:
            self._print_json(value, indent=self.on_terminal)
        elif self.quiet:
            self.write("".join(f"{id}\n" for id in ids))
        elif isinstance(draw, str):
            self.text(draw)
        else:
            draw()

    def line(self, value: Any, *, id: str = "", draw: str | Callable[[], None] = "") -> None:
        """One of many answers (JSON Lines), seen by the reader at once."""
        self.clear_status()
        if self.json:
            self._print_json(value)
        elif self.quiet:
            self.write(f"{id}\n" if id else "")
        elif isinstance(draw, str):
            self.text(draw)
        else:
            draw()
        self.flush()

    def text(self, text: str) -> None:
        """Text for a reader, ended by a line break."""
        if text:
            self.write(text if text.endswith("\n") else text + "\n")

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        cut: Collection[str] = (),
        spare: Sequence[str] = (),
    ) -> None:
        """Aligned columns under their headings. An empty cell reads `-`, so that columns can be counted.

        On a terminal that is too narrow, the columns `cut` are cut and then `spare` left out: see `table.lines`.
        """
        cells = [[_one_line(cell) or "-" for cell in row] for row in rows]
        if self.on_terminal:
            from uwf.cli import table

            seen = [[_visible(cell) for cell in row] for row in cells]
            heading, *lines = table.lines(columns, seen, _columns(), cut=cut, spare=spare)
            if has_colour(sys.stdout):
                heading = f"\x1b[1m{heading}\x1b[0m"
            self._print("".join(f"{line}\n" for line in (heading, *lines)))
            return
        heads = [column.upper() for column in columns]
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        for row in [heads, *cells]:
            padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.write("  ".join(padded).rstrip() + "\n")

    def fields(self, pairs: Mapping[str, str], shares: Mapping[str, float] | None = None) -> None:
        """One thing: a line for each of its fields that has a value.

        A field in `shares`, which says how much of something is used, gets a bar before its value.
        """
        width = max(map(len, pairs), default=0) + 2
        for name, value in pairs.items():
            if not value:
                continue
            self.write(name.ljust(width))
            if shares and name in shares:
                self._print(f"{_bar(shares[name], has_colour(sys.stdout))} ")
            self.write(f"{_one_line(value)}\n")

    def markdown(self, text: str) -> None:
        """Markdown: drawn on a terminal, as it is elsewhere."""
        if self.on_terminal:
            self._print(_rich_markdown(_visible(text)))
        else:
            self.text(text)

    def write(self, text: str) -> None:
        """`text` exactly, but for what a terminal cannot show or should not be told."""
        self._print(_visible(text) if self.on_terminal else text)

    def data(self, data: bytes) -> None:
        """Bytes exactly. StdoutGone when nobody reads them, StdoutFailed when they cannot be written."""
        if not data:
            return
        if sys.stdout is None:
            raise StdoutFailed("cannot write the answer: standard output is closed")
        try:
            sys.stdout.buffer.write(data)
        except OSError as error:
            _fail(error)

    def flush(self) -> None:
        """Bring everything written so far to its reader."""
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except OSError as error:
                _fail(error)

    def _print(self, text: str) -> None:
        encoding = sys.stdout.encoding if self.on_terminal else "utf-8"
        self.data(text.encode(encoding, "replace"))

    def _print_json(self, value: Any, *, indent: bool = False) -> None:
        from uwf.cli import jsontext

        self.data(jsontext.dumps(document(value), indent=indent).encode() + b"\n")

    # -- everything else, on stderr

    def note(self, text: str) -> None:
        """Something worth knowing. Not said with --quiet or --json."""
        if not (self.quiet or self.json):
            self._say("", text)

    def hint(self, text: str) -> None:
        """The next command to type. Not said with --quiet or --json."""
        if not (self.quiet or self.json):
            self._say("hint", text)

    def warning(self, text: str) -> None:
        """Something that will go wrong one day."""
        if self.json:
            self._say_json({"warning": {"message": text}})
        else:
            self._say("warning", text)

    def error(self, code: str, message: str, hint: str | None, **more: Any) -> None:
        """Why the command did not do what it was asked for."""
        if self.json:
            self._say_json({"error": {"code": code, "message": message, "hint": hint, **more}})
            return
        self._say("error", message)
        if hint:
            self._say("hint", hint)

    @property
    def is_live(self) -> bool:
        """Whether a live line is shown: only to a person at a terminal."""
        if self.quiet or self.json:
            return False
        return _is_terminal(sys.stderr) and not config.is_dumb_terminal()

    def status(self, text: str) -> None:
        """One live line that the next call replaces.

        May be called by a signal handler, also while something else is being written: it never waits. What a
        frozen terminal does not take is left out.
        """
        if self._is_drawing or not self.is_live:
            return
        self._is_drawing = True
        try:
            try:
                width = (
                    os.get_terminal_size(sys.stderr.fileno()).columns or 80
                )  # 0: nobody has said
            except OSError:
                width = 80
            from uwf.cli import table

            line = f"\r\x1b[K{table.head(_visible(_one_line(text)), width - 1)}"
            if self._line_fd is None:
                self._line_fd = _unshared(sys.stderr.fileno())
            if _put_at_once(self._line_fd, line.encode(sys.stderr.encoding, "backslashreplace")):
                self._status_shown = True
        finally:
            self._is_drawing = False

    def clear_status(self) -> None:
        """Take the live line away."""
        if self._status_shown:
            self._status_shown = False
            self._put("\r\x1b[K")

    def _say(self, word: str, text: str) -> None:
        self.clear_status()
        text = _visible(_one_line(text)) if word else _visible(text)
        if word and has_colour(sys.stderr):
            word = f"\x1b[{_COLOURS[word]}m{word}:\x1b[0m "
        elif word:
            word += ": "
        self._put(f"{word}{text}\n")

    def _say_json(self, document: Any) -> None:
        from uwf.cli import jsontext

        self._put(jsontext.dumps(document) + "\n")

    def _put(self, text: str) -> None:
        """Write to stderr, however long it takes. No live line comes in between."""
        self._is_drawing = True
        try:
            _put(sys.stderr, text)
        finally:
            self._is_drawing = False


def document(value: Any) -> Any:
    """`value` as a document of the contract: a record is an object whose names are its fields' in camelCase.

    Fields that a record names in `left_out` are there only when they have a value. `from_` stands for `from`, which no
    field can be called. Keys of a mapping are data, and stay as they are.
    """
    if isinstance(value, Record):
        rarely = getattr(value, "left_out", ())
        return {
            _camel(name): document(field)
            for name in value._fields
            if (field := getattr(value, name)) is not None or name not in rarely
        }
    if isinstance(value, (list, tuple)):
        return [document(item) for item in value]
    if isinstance(value, (dict, MappingProxyType)):
        return {key: document(item) for key, item in value.items()}
    return value


def _camel(name: str) -> str:
    first, *more = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in more)


def has_colour(stream: TextIO | None) -> bool:
    """Whether colour may be written to `stream`."""
    return _is_terminal(stream) and not config.no_colour() and not config.is_dumb_terminal()


_BAR = 20  # columns

_COLOURS = {"error": "1;31", "warning": "1;33", "hint": "1;36"}


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _fail(error: OSError) -> None:
    """Give stdout up: what is still buffered must not raise a second time when Python exits."""
    if sys.stdout is not None:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)
    if isinstance(error, BrokenPipeError):
        raise StdoutGone from error
    raise StdoutFailed(f"cannot write the answer to standard output: {error.strerror}") from error


def _put(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()
    except OSError:
        return  # stderr is gone: there is nowhere left to say so, and the exit code still tells


def _unshared(fd: int) -> int:
    """The terminal `fd` opened once more, so that a write may return at once: O_NONBLOCK on `fd` itself would be
    set for the shell and the agent too. `fd` where the terminal cannot be opened, as after `su`."""
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return fd


def _put_at_once(fd: int, data: bytes) -> bool:
    """Write `data`, or nothing where that would wait. Returns whether something was written."""
    import select

    try:
        if not select.select([], [fd], [], 0)[1]:
            return False
        os.write(fd, data)
    except (OSError, ValueError):  # gone, full after all, or a number that is too high for select
        return False
    return True


def _columns() -> int:
    """How wide the terminal is, or is said to be by COLUMNS."""
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text or "\r" in text or "\t" in text else text


def _visible(text: str) -> str:
    """`text` without the characters that steer a terminal."""
    if text.isprintable():
        return text
    control = [*range(9), *range(11, 32), *range(127, 160)]
    return text.translate(dict.fromkeys(control))


def _bar(share: float, colour: bool) -> str:
    """How much of something is used, from green to red."""
    full = min(_BAR, max(0, round(share * _BAR)))
    drawn = "\u2588" * full + "\u2591" * (_BAR - full)
    if not colour:
        return drawn
    return f"\x1b[{31 if share >= 1 else 33 if share >= 0.8 else 32}m{drawn}\x1b[0m"


def _rich_markdown(text: str) -> str:
    from rich.markdown import Markdown

    return _rich(Markdown(text))


def _rich(what: Any) -> str:
    from io import StringIO

    from rich.console import Console

    page = StringIO()
    Console(
        file=page, force_terminal=has_colour(sys.stdout), no_color=not has_colour(sys.stdout)
    ).print(what)
    return page.getvalue()
