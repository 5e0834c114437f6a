"""How a home does, in figures: now, of the last day, of the days before; and as Prometheus reads them."""

from __future__ import annotations

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.queries import ThreadQueries
    from uwf.engine.upkeep.figures import FiguresNow, PeriodFigures


class HomeFigures:
    """What `app.figures` can do."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home

    def now(self) -> FiguresNow:
        """As they are now, and over the last 24 hours."""
        from uwf.app.setup.guards import Guards
        from uwf.app.thread.wakes import Wakes
        from uwf.app.upkeep.backups import Backups
        from uwf.engine.upkeep import figures

        home, now_ms = self._home, self._home.now_ms()
        backups, wakes = Backups(home), Wakes(home)
        newest, drill = backups.newest(), backups.last_drill()
        running = set(wakes.under_way())
        return figures.FiguresNow(
            queue=len(Guards(home).queue()),
            due=sum(one.thread not in running for one in wakes.due(now_ms).threads),
            backup_age_ms=None if newest is None else max(0, now_ms - newest.at),
            restore_ms=None if drill is None or drill.problem else drill.duration_ms,
            day=self._between(now_ms - clock.DAY_MS, now_ms + 1),
        )

    def minutes(self, count: int) -> list[int]:
        """How many steps were made in each of the last `count` minutes, the newest last."""
        from uwf.engine.upkeep import figures

        return figures.minutes(self._home.reader(), count, clock.now_ms())

    def days(self) -> list[PeriodFigures]:
        """Those of the days that are over, 30 of them at most, the oldest first."""
        from uwf.engine.upkeep import figures

        return figures.days(self._home.reader())

    def keep(self, now_ms: int) -> None:
        """Keep the figures of days that are over, and note how many threads wait."""
        from uwf.app.setup.guards import Guards
        from uwf.engine.upkeep import figures

        if not self._home.has_store():
            return
        store, waiting = self._home.store(), len(Guards(self._home).queue())
        missing = figures.missing_days(store, now_ms)
        figures.keep(
            store, [self._between(at, at + clock.DAY_MS) for at in missing], waiting, now_ms
        )

    def prometheus(self) -> str:
        """All of it in the text format of Prometheus."""
        from uwf.app.upkeep import metrics

        return metrics.text(self.now())

    def _between(self, since_ms: int, until_ms: int) -> PeriodFigures:
        from uwf.engine.upkeep import figures

        return figures.look(self._home.reader(), since_ms, until_ms)
