"""How a view looks: the lines above the table, its cells, and the guards below. Words, and their colour by name."""

from __future__ import annotations

from uwf.display import guards as display
from uwf.display import numbers, times
from uwf.record import Record
from uwf.top.looking import ALL, DUE, RUNS, TABS, WAITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.top.looking import HomeView
    from uwf.top.rows import Row


class Piece(Record):
    """Some text and its style, as rich reads it: `bold`, `red`, `bold yellow`."""

    text: str
    style: str = ""


class TopColumn(Record):
    name: str
    width: int


STATE, ID, WORKFLOW, ROLE, TIME, COST, SAYS = (
    *("state", "id", "workflow", "role", "time", "cost", "says"),
)
_WIDTHS = {STATE: 11, ID: 5, WORKFLOW: 14, ROLE: 14, TIME: 7, COST: 7}
_BY_NEED = (WORKFLOW, ROLE, COST)
"""Columns that are no wider than what is in them."""
_LEAST_SAYS = 20
_SPARED = (COST, WORKFLOW, ROLE, TIME)
"""Which columns a narrow screen does without, in this order."""
GAP = 1


def columns(width: int, view: HomeView) -> list[TopColumn]:
    """The columns that a screen of that width has room for; the last one takes what is left."""
    widths = {**_WIDTHS, ID: max([_WIDTHS[ID], *map(len, view.ids.values())])}
    for name in _BY_NEED:
        needed = max((len(_cell(row, name, view).text) for row in view.rows), default=0)
        widths[name] = min(widths[name], max(needed, len(name) * bool(needed)))
    widths = {name: wide for name, wide in widths.items() if wide}
    left = _left(width, widths)
    for name in _SPARED:
        if left < _LEAST_SAYS:
            widths.pop(name, None)
            left = _left(width, widths)
    return [
        *(TopColumn(name, wide + GAP) for name, wide in widths.items()),
        TopColumn(SAYS, max(left, 1)),
    ]


def _left(width: int, widths: Mapping[str, int]) -> int:
    return width - sum(wide + GAP for wide in widths.values())


def cells(row: Row, view: HomeView, wanted: Sequence[TopColumn]) -> list[Piece]:
    """What a row has in these columns."""
    return [_cell(row, column.name, view) for column in wanted]


def _cell(row: Row, column: str, view: HomeView) -> Piece:
    if column == STATE:
        return Piece(f"{row.look.sign} {row.word}", row.look.colour)
    if column == ID:
        return Piece(view.ids.get(row.thread, row.thread), "bold")
    if column == TIME:
        return Piece(_time(row, view.now_ms))
    if column == COST:
        return Piece(numbers.money(row.usd) if row.usd else "")
    return Piece({WORKFLOW: row.workflow, ROLE: row.role, SAYS: row.says}[column])


def _time(row: Row, now_ms: int) -> str:
    if row.at is None:
        return ""
    if row.at > now_ms:
        return times.Times(now_ms).due(row.at)
    return times.length(row.at, now_ms)


def title(home: str, view: HomeView) -> list[Piece]:
    """The first line: whose home it is, and whether a daemon runs there."""
    daemon = "no daemon runs" if view.leader is None else f"daemon: {view.leader.in_words}"
    clock = times.local(view.now_ms, view.now_ms)
    return [
        Piece("uwf top", "bold"),
        Piece(f"  {clock}  "),
        Piece(daemon, "yellow" if view.leader is None else ""),
        Piece(f"  {home}"),
    ]


def tabs(view: HomeView, chosen: str, words: Sequence[str]) -> list[Piece]:
    """The second line: what there is to look at, how much of it, and what is looked at."""
    pieces = []
    for number, tab in enumerate(TABS, 1):
        count = view.counts.get(tab)
        text = f" {number} {tab}" + (f" {count}" if count is not None else "") + " "
        pieces += [Piece(text, _tab_style(tab, count, chosen)), Piece(" ")]
    if words:
        pieces.append(Piece(f"/{' '.join(words)}", "bold magenta"))
    return pieces


def _tab_style(tab: str, count: str | None, chosen: str) -> str:
    if tab == chosen:
        return "reverse bold"
    colours = {WAITS: "yellow", RUNS: "cyan", DUE: "", ALL: ""}
    return colours.get(tab, "") if count != "0" else ""


def hour(view: HomeView, width: int) -> list[Piece]:
    """The third line: the steps of the last hour, a column a minute where there is room, and what today has cost."""
    said = f" {numbers.amount('steps', sum(view.minutes))} in the last hour"
    if view.usd_today is not None:
        said += f", {numbers.money(view.usd_today)} today"
    left = width - len(said)
    per = next((each for each in (1, 2, 3, 4, 6) if len(view.minutes) // each <= left), 0)
    return [Piece(bars(view.minutes, per), "cyan"), Piece(said)]


def bars(minutes: Sequence[int], per: int) -> str:
    """The highest of each `per` minutes; nothing for none."""
    starts = range(0, len(minutes), per) if per else ()
    return numbers.sparkline([max(minutes[at : at + per]) for at in starts])


def guards(view: HomeView, width: int) -> list[Piece]:
    """The line below the table: what is limited, the most used first, as far as it fits. A closed breaker limits
    nothing yet.
    """
    pieces: list[Piece] = []
    for line in sorted(view.guards, key=lambda line: -(line.share or 0)):
        is_closed = line.name.startswith("breaker ") and (line.share or 0) < 1
        if line.share is None or line.limit is None or is_closed:
            continue
        now, limit = (display.said(line.unit, each) for each in (line.now, line.limit))
        bar = Piece(f"{numbers.bar(line.share, 6)} ", numbers.bar_colour(line.share))
        said = [Piece(f"{line.name} ", "bold"), bar, Piece(f"{now} of {limit}   ")]
        used = sum(len(piece.text) for piece in (*pieces, *said))
        if used - 3 <= width:
            pieces += said
    return pieces


_EMPTY = {
    WAITS: "nothing waits for you",
    RUNS: "nothing runs",
    DUE: "nothing wakes by itself",
}


def nothing(view: HomeView) -> str:
    """What stands in the place of rows where there are none."""
    if view.wanted.words and view.older is not None:
        return "none of these threads has these words in it: n looks at older ones, Esc ends the filter"
    if view.wanted.words:
        return "no thread has these words in it here: Esc ends the filter"
    if view.counts.get(ALL) == "0":
        return "no thread yet: uwf demo shows one, uwf thread start WORKFLOW -p TEXT begins one"
    return _EMPTY.get(view.wanted.tab, "nothing runs, waits or wakes: 5 shows all threads")
