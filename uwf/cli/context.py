"""What a command is given beside its own parameters: the home it works on, and the output."""

from __future__ import annotations

from uwf import clock
from uwf.app import App
from uwf.display.times import Times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from uwf.cli.command import Call
    from uwf.cli.screen.cells import Cell
    from uwf.cli.screen.output import Output


class Context:
    """One run of one command: `call` is what was typed."""

    def __init__(self, call: Call, out: Output) -> None:
        self.app = App.open(call.common.home, warn=out.warning)
        self.app.doing = call.command.name
        self.home = self.app.home
        self.call = call
        self.json = call.common.json
        self.quiet = call.common.quiet
        self.out = out
        out.in_short, out.utc = self._in_short, call.common.utc

    @property
    def times(self) -> Times:
        """How times are shown: as far as they are from now to a person at a terminal, else exactly, in UTC."""
        return Times(clock.now_ms(), exact=self.call.common.utc or not self.out.on_terminal)

    @property
    def when(self) -> Callable[[int], str]:
        """How a text says a moment: on the clock of a person at a terminal, else exactly, in UTC."""
        return clock.iso if self.json else self.times.clock

    def short_ids(self, threads: Iterable[str]) -> Mapping[str, str]:
        """What is shown for each of these ids: to a person at a terminal what one types for it, else all of it."""
        return self.app.short_ids(threads) if self.out.on_terminal else {id: id for id in threads}

    def named(self, threads: Iterable[str]) -> dict[str, Cell]:
        """The same as cells of a table, in bold."""
        from uwf.cli.screen.cells import Cell

        return {id: Cell(short, bold=True) for id, short in self.short_ids(threads).items()}

    def in_short(self, text: str) -> str:
        """`text` with the ids of threads in it as they are shown."""
        return self._in_short(text) if self.out.on_terminal else text

    def _in_short(self, text: str) -> str:
        from uwf.display import ids

        return ids.shortened(text, lambda id: self.app.short_ids([id])[id])

    def close(self) -> None:
        """May be called twice."""
        self.app.close()
