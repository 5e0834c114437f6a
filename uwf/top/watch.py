"""Looks at a home again and again, in a thread of its own with an `App` of its own, and tells what it saw."""

from __future__ import annotations

from threading import Condition, Thread

from uwf import clock
from uwf.app import App
from uwf.errors import UwfError
from uwf.record import Record, replace
from uwf.top import looking, reading
from uwf.top.looking import HomeView, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.top.rows import Row

EVERY_S = 1.0
SHARE = 0.1
"""How much of the time is spent with looking at most: a home that is slow to look at is looked at less often."""
PATIENCE_S = 2.0
"""How long a look waits for a store that is busy, before that is said."""


class LookResult(Record):
    """What one look has found: of the view, the thread under the cursor and the open page, what was looked at. `fault`
    is why nothing could be seen; what was seen before may still be shown then.
    """

    wanted: Wanted
    view: HomeView | None = None
    detail: tuple[str, ...] | None = None
    page: tuple[str, str] | None = None
    fault: str | None = None


class HomeWatch(Thread):
    """Begun with `start`. It ends with `end`, or with the process, whichever comes first."""

    def __init__(self, home: str, tell: Callable[[LookResult], None]) -> None:
        """`tell` is called in this thread."""
        super().__init__(name="home watch", daemon=True)
        self._home, self._tell = home, tell
        self._changed = Condition()
        self._wanted = Wanted()
        self._is_asked = self._has_ended = False
        self._had_store = False
        self._rows: tuple[Row, ...] = ()

    def want(self, wanted: Wanted, *, at_once: bool = True) -> None:
        """Look at this from now on."""
        with self._changed:
            if wanted != self._wanted or at_once:
                self._wanted, self._is_asked = wanted, True
                self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._has_ended = True
            self._changed.notify()

    def run(self) -> None:
        before: Wanted | None = None
        next_s = 0.0
        with App.open(self._home, wait_s=PATIENCE_S) as app:
            while not self._has_ended:
                wanted, began_s = self._wanted, clock.monotonic_s()
                is_cursor_alone = (
                    before is not None
                    and began_s < next_s
                    and replace(before, selected=wanted.selected) == wanted
                )
                self._tell(self._look(app, wanted, with_view=not is_cursor_alone))
                before = wanted
                ended_s = clock.monotonic_s()
                if not is_cursor_alone:
                    next_s = ended_s + max(EVERY_S, (ended_s - began_s) / SHARE)
                self._wait(next_s - ended_s)

    def _look(self, app: App, wanted: Wanted, *, with_view: bool) -> LookResult:
        try:
            app.let_go_of_stale_store()
            self._refuse_gone(app)
            found = looking.look(app, wanted) if with_view else None
            self._rows = self._rows if found is None else found.rows
            now_ms = clock.now_ms()
            lines = None
            if wanted.selected is not None:
                lines = reading.detail(app, wanted.selected, self._row(wanted.selected), now_ms)
            text = None if wanted.page is None else reading.page(app, wanted.page, now_ms)
            return LookResult(wanted, found, lines, text)
        except Exception as error:  # whatever it is, the screen says it and goes on
            app.close()
            return LookResult(wanted, fault=looking.said(error))

    def _row(self, thread: str) -> Row | None:
        return next((row for row in self._rows if row.thread == thread), None)

    def _refuse_gone(self, app: App) -> None:
        """A home that had a store and has none is not an empty one."""
        has_store = app.has_store()
        if self._had_store and not has_store:
            raise UwfError(f"the store of {app.home} is gone", hint=f"ls -la {app.home}")
        self._had_store = has_store

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not self._is_asked and not self._has_ended:
                self._changed.wait(max(seconds, 0.0))
            self._is_asked = False
