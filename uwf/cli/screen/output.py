"""What a command prints, and nothing else prints: data on stdout. What it says besides, on stderr, is in `remarks.py`.

A command answers once (`answer`) or line by line (`line`), giving every form of its answer at once: the JSON
document, the ids for `--quiet`, and how to draw it for a reader. Which one is printed is decided here. What a terminal
can show is in `terminal.py` and `table.py`; everywhere else text is plain UTF-8.
"""

from __future__ import annotations

import os
import sys

from uwf import config
from uwf.cli.screen import terminal
from uwf.cli.screen.remarks import Remarks, beside, one_line
from uwf.display.inert import visible
from uwf.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from uwf.cli.screen.cells import Cell


class StdoutGone(Exception):
    """The reader of our stdout has closed it, as `head` does. Nothing is wrong and nothing is left to do."""


class StdoutFailed(StoreError):
    """What should have been printed could not be written."""

    default_code = "stdout"


class Output(Remarks):
    """Where one command's words go."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        super().__init__(json=json, quiet=quiet)
        self.on_terminal = terminal.is_terminal(sys.stdout)
        self._page: list[bytes] | None = None

    def answer(
        self,
        value: Any,
        *,
        ids: Iterable[str] = (),
        draw: str | Callable[[], None] = "",
        paged: bool = False,
    ) -> None:
        """The whole answer: one JSON document (see `jsontext.document`), or ids, or a text or what draws it.

        With `paged` a person at a terminal scrolls through what is drawn.
        """
        self.clear_status()
        is_drawn = not (self.json or self.quiet)
        if paged and is_drawn and self.on_terminal and not config.is_dumb_terminal():
            self._show_page(lambda: self._print_form(value, ids, draw))
        else:
            self._print_form(value, ids, draw, indent=self.on_terminal)

    def line(self, value: Any, *, id: str = "", draw: str | Callable[[], None] = "") -> None:
        """One of many answers (JSON Lines), seen by the reader at once."""
        self.clear_status()
        self._print_form(value, [id] if id else [], draw)
        self.flush()

    def passed_on(self, line: str) -> None:
        """A line that another process wrote for our stdout, seen by the reader at once."""
        self.clear_status()
        self.write(f"{line}\n")
        self.flush()

    def text(self, text: str) -> None:
        """Text for a reader, ended by a line break."""
        if text:
            self.write(text if text.endswith("\n") else text + "\n")

    def prose(self, text: str) -> None:
        """Sentences for a reader: on a terminal broken between words, elsewhere as they are."""
        self.text(self._beside(text, 0))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str | Cell]],
        *,
        cut: Collection[str] = (),
        spare: Sequence[str] = (),
        least: Mapping[str, int] | None = None,
        groups: Sequence[str] = (),
    ) -> None:
        """Aligned columns under their headings; nothing if there is no row.

        An empty cell reads `-`, so that columns can be counted. On a terminal that is too narrow, the columns `cut` are
        cut and then `spare` left out: see `table.lines`; there alone cells have their colours and signs. `groups` names
        the group of each row, which is said before the first of them.
        """
        found = [list(row) for row in rows]
        if not found:
            return
        heading, *lines = self._table(columns, found, cut, spare, least)
        if terminal.has_colour(sys.stdout):
            heading = terminal.painted(heading, bold=True)
        group = None
        for at, line in enumerate([heading, *lines]):
            if at and groups and groups[at - 1] != group:
                group = groups[at - 1]
                self.write(f"\n{one_line(group)}\n")
            self._print(f"{line}\n")

    def _table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str | Cell]],
        cut: Collection[str],
        spare: Sequence[str],
        least: Mapping[str, int] | None,
    ) -> list[str]:
        """The heading and the rows, drawn."""
        if self.on_terminal:
            from uwf.cli.screen import table

            seen = [[_seen(cell) for cell in row] for row in rows]
            room, colour = terminal.columns(), terminal.has_colour(sys.stdout)
            return table.lines(
                columns, seen, room, cut=cut, spare=spare, least=least, is_painted=colour
            )
        texts = [[one_line(text_of(cell)) or "-" for cell in row] for row in rows]
        texts = [[column.upper() for column in columns], *texts]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]

    def row(self, cells: Iterable[str | Cell]) -> None:
        """Cells on one line, those that are empty left out."""
        *before, last = filter(text_of, cells)
        for cell in before:
            self._cell(cell, end="  ")
        self._cell(last)

    def fields(
        self, pairs: Mapping[str, str | Cell], shares: Mapping[str, float] | None = None
    ) -> None:
        """One thing: a line for each of its fields that has a value.

        On a terminal a field in `shares`, which says how much of something is used, gets a bar before its value.
        """
        width = max(map(len, pairs), default=0) + 2
        for name, value in pairs.items():
            if not text_of(value):
                continue
            self.write(name.ljust(width))
            before = width
            if shares and name in shares and self.on_terminal:
                from uwf.display import numbers

                bar = numbers.bar(shares[name])
                self.painted(bar, numbers.bar_colour(shares[name]), end=" ")
                before += len(bar) + 1
            self._cell(value, before=before)

    def _cell(self, cell: str | Cell, *, before: int = 0, end: str = "\n") -> None:
        if isinstance(cell, str) or not self.on_terminal:
            self.painted(self._beside(one_line(text_of(cell)), before), end=end)
        else:
            colour = "" if cell.look is None else cell.look.colour
            text = one_line(str(cell)).removesuffix(cell.tail)
            self.painted(text, colour, bold=cell.bold, end="" if cell.tail else end)
            if cell.tail:
                self.painted(cell.tail, bold=True, end=end)

    def _beside(self, text: str, before: int) -> str:
        return beside(visible(text), before, terminal.columns()) if self.on_terminal else text

    def painted(self, text: str, colour: str = "", *, bold: bool = False, end: str = "\n") -> None:
        """`text`, in that colour or in bold type where the terminal has them."""
        text = visible(text) if self.on_terminal else text
        if terminal.has_colour(sys.stdout):
            text = terminal.painted(text, colour, bold=bold)
        self._print(text + end)

    def help(self, parts: Iterable[tuple[str, str]], *, asked: bool) -> None:
        """A page of help, in parts with or without a title. Where nobody has asked for it, it is no data."""
        bold = terminal.has_colour(sys.stdout if asked else sys.stderr)
        say = self._print if asked else self._put
        for title, text in parts:
            if title:
                say(f"\x1b[1m{title}\x1b[0m\n" if bold else f"{title}\n")
            say(f"{text}\n")

    def markdown(self, text: str) -> None:
        """Markdown: drawn on a terminal, as it is elsewhere."""
        if self.on_terminal:
            from uwf.cli.screen import markdown

            self._print(markdown.drawn(visible(text)))
        else:
            self.text(text)

    def diff(self, text: str) -> None:
        """What differs, line by line: in colours on a terminal."""
        if terminal.has_colour(sys.stdout):
            self._print(terminal.coloured_diff(visible(text)) + "\n" * bool(text))
        else:
            self.text(text)

    def write(self, text: str) -> None:
        """`text` exactly, but for what a terminal cannot show or would obey."""
        self._print(visible(text) if self.on_terminal else text)

    def data(self, data: bytes) -> None:
        """Bytes exactly. StdoutGone when they have no reader, StdoutFailed when they cannot be written."""
        if not data:
            return
        if self._page is not None:
            self._page.append(data)
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

    def _print_form(
        self,
        value: Any,
        ids: Iterable[str],
        draw: str | Callable[[], None],
        *,
        indent: bool = False,
    ) -> None:
        if self.json:
            from uwf import jsontext

            self.write(jsontext.dumps(jsontext.document(value), indent=indent) + "\n")
        elif self.quiet:
            self.write("".join(f"{id}\n" for id in ids))
        elif isinstance(draw, str):
            self.text(self._shortened(draw) if self.on_terminal else draw)
        else:
            draw()

    def _show_page(self, draw: Callable[[], None]) -> None:
        """Hold back what `draw` prints, and let the reader scroll through it."""
        from uwf.cli.screen import pager

        page: list[bytes] = []
        self._page = page
        try:
            draw()
        finally:
            self._page = None
        pager.show(b"".join(page), sys.stdout.encoding, self.data)

    def _print(self, text: str) -> None:
        if not self.on_terminal:
            self.data(text.encode("utf-8", "replace"))
        else:
            self.data(terminal.fitting(text, sys.stdout).encode(sys.stdout.encoding, "replace"))


def _fail(error: OSError) -> None:
    """Give stdout up: what is still buffered must not raise a second time when Python exits."""
    if sys.stdout is not None:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)
    if isinstance(error, BrokenPipeError):
        raise StdoutGone from error
    raise StdoutFailed(f"cannot write the answer to standard output: {error.strerror}") from error


def text_of(cell: str | Cell) -> str:
    """What is said in it, without a sign."""
    return cell if isinstance(cell, str) else cell.text


def _seen(cell: str | Cell) -> str | Cell:
    """A cell as a terminal may be given it."""
    text = visible(one_line(text_of(cell))) or "-"
    if isinstance(cell, str):
        return text
    from uwf.record import replace

    return replace(cell, text=text)
