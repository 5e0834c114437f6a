"""The list: lines above, a table of threads, more about the one under the cursor, and the guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from uwf.top import drawing, keys
from uwf.top.pages import SayingScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from uwf.top.drawing import Piece, TopColumn
    from uwf.top.looking import HomeView
    from uwf.top.rows import Row

LEAST_COLUMNS, LEAST_ROWS = 30, 8
LEAST_FOR_DETAIL = 16


class ListScreen(SayingScreen):
    """Shows what it is given. The cursor stays on its thread, wherever in the list that moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.next_tab"),
        Binding("j", "move('cursor_down')"),
        Binding("k", "move('cursor_up')"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-thin"), (LEAST_COLUMNS, "-wide")]  # noqa: RUF012  # as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST_ROWS, "-low"), (LEAST_FOR_DETAIL, "-high")]  # noqa: RUF012

    def __init__(self, home: str) -> None:
        super().__init__()
        self._home = home
        self._view: HomeView | None = None
        self._tab, self._words = "now", tuple[str, ...]()
        self._columns: list[TopColumn] = []
        self._cells: dict[str, list[Piece]] = {}
        self._is_filling = False

    def compose(self) -> ComposeResult:
        for line in ("title", "tabs", "hour"):
            yield Static(id=line, markup=False)
        yield DataTable(
            id="rows", cursor_type="row", cell_padding=0, cursor_foreground_priority="css"
        )
        yield Static(id="nothing", markup=False)
        yield Static(id="detail", markup=False)
        yield Static(id="guards", markup=False)
        yield Static(id="said", markup=False)
        yield Static(Text(keys.last_line(), style="dim", no_wrap=True), id="keys", markup=False)
        yield Static("this terminal is too small", id="tiny", markup=False)

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#rows", DataTable)

    @property
    def thread(self) -> str | None:
        """The thread under the cursor."""
        table = self.table
        if not 0 <= table.cursor_row < table.row_count:
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    @property
    def row(self) -> Row | None:
        """Its row, as it was seen last."""
        rows = () if self._view is None else self._view.rows
        return next((row for row in rows if row.thread == self.thread), None)

    @property
    def view(self) -> HomeView | None:
        """What was seen last."""
        return self._view

    @property
    def is_filling(self) -> bool:
        """Whether the cursor moves since the table changes, rather than by a key."""
        return self._is_filling

    def short_id(self, thread: str) -> str:
        """What is shown, and typed, for it."""
        return thread if self._view is None else self._view.ids.get(thread, thread)

    def choose(self, tab: str, words: tuple[str, ...]) -> None:
        """Show what was chosen at once, before it was looked at."""
        self._tab, self._words = tab, words
        self._draw_lines()

    def show(self, view: HomeView) -> None:
        self._view = view
        self._draw_lines()
        self._draw_rows(view)

    def show_detail(self, lines: Sequence[str]) -> None:
        """The first of `lines` is one line of the screen, so that the others, which may be long, have the rest."""
        first, *others = (Text(line) for line in lines or ("",))
        first.stylize("bold")
        first.truncate(self.size.width, overflow="ellipsis")
        self.query_one("#detail", Static).update(Text("\n").join((first, *others)))

    def action_move(self, how: str) -> None:
        getattr(self.table, f"action_{how}")()

    def on_resize(self) -> None:
        if self._view is not None:
            self.show(self._view)

    def _draw_lines(self) -> None:
        view, width = self._view, self.size.width
        if view is None:
            return
        self._line("title", drawing.title(self._home, view))
        self._line("tabs", drawing.tabs(view, self._tab, self._words))
        self._line("hour", drawing.hour(view, width))
        self._line("guards", drawing.guards(view, width))
        self.set_class(not view.rows, "-empty")
        self.query_one("#nothing", Static).update(Text(drawing.nothing(view)))
        if not view.rows:
            self.show_detail(())

    def _line(self, name: str, pieces: Sequence[Piece]) -> None:
        line = Text.assemble(*((piece.text, piece.style) for piece in pieces), no_wrap=True)
        line.overflow = "ellipsis"
        self.query_one(f"#{name}", Static).update(line)

    def _draw_rows(self, view: HomeView) -> None:
        """Only cells that have changed are drawn anew, as long as the rows are the same."""
        columns = drawing.columns(self.size.width, view)
        cells = {row.thread: drawing.cells(row, view, columns) for row in view.rows}
        if columns == self._columns and list(cells) == list(self._cells):
            for thread, pieces in cells.items():
                for column, piece, before in zip(columns, pieces, self._cells[thread], strict=True):
                    if piece != before:
                        self.table.update_cell(thread, column.name, _cell(piece, column))
        else:
            self._fill(columns, cells)
        self._columns, self._cells = columns, cells

    def _fill(self, columns: list[TopColumn], cells: dict[str, list[Piece]]) -> None:
        table, chosen, at = self.table, self.thread, self.table.cursor_row
        scroll_y = table.scroll_y
        self._is_filling = True
        try:
            table.clear(columns=columns != self._columns)
            if columns != self._columns:
                for column in columns:
                    table.add_column(column.name, width=column.width, key=column.name)
            for thread, pieces in cells.items():
                drawn = (
                    _cell(piece, column) for piece, column in zip(pieces, columns, strict=True)
                )
                table.add_row(*drawn, key=thread)
            if cells:
                at = table.get_row_index(chosen) if chosen in cells else min(at, len(cells) - 1)
                table.move_cursor(row=at, scroll=False)
                table.scroll_to(y=scroll_y, animate=False)
        finally:
            self._is_filling = False


def _cell(piece: Piece, column: TopColumn) -> Text:
    """A cell ends a column before the next one begins."""
    text = Text(piece.text, style=piece.style, no_wrap=True, overflow="ellipsis", end="")
    text.truncate(max(1, column.width - (column.name != drawing.SAYS)), overflow="ellipsis")
    return text
