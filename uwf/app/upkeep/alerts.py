"""Alerts: what a person must know, by cause, and what of it is to be told now."""

from __future__ import annotations

from uwf.engine.upkeep.alerts import BROKEN as BROKEN
from uwf.engine.upkeep.alerts import WAITS as WAITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.opened import OpenHome
    from uwf.config.absences import Absence
    from uwf.config.records import AlertConfig
    from uwf.engine.upkeep.alerts import Alert


class Alerts:
    """What `app.alerts` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    @property
    def config(self) -> AlertConfig:
        """To whom alerts go, and how."""
        return self._home.config.alerts

    def report(self, cause: str, level: str, text: str) -> Alert:
        """There is something that a person must know; `cause` names it, also when it is over."""
        from uwf.engine.upkeep import alerts

        return alerts.report(self._home.store(create=True), cause, level, text)

    def clear(self, cause: str, *, silently: bool = False) -> Alert | None:
        """It is over; `silently`: nobody has to hear that. None when nothing of this cause was open."""
        from uwf.engine.upkeep import alerts

        return alerts.clear(self._home.reader(), cause, silently=silently)

    def remind(self, cause: str) -> None:
        """Tell it once more, where it is open."""
        from uwf.engine.upkeep import alerts

        alerts.remind(self._home.store(), cause)

    def all(self) -> list[Alert]:
        """Those that are open, the gravest first, then those that are over."""
        from uwf.engine.upkeep import alerts

        return alerts.all_of(self._home.reader())

    def due(self, now_ms: int) -> list[Alert]:
        """What is to be told now, in one message."""
        from uwf.engine.upkeep import alerts

        return alerts.due(self._home.reader(), now_ms)

    def told(self, alerts: Sequence[Alert], now_ms: int) -> None:
        """These were delivered."""
        from uwf.engine.upkeep import alerts as stored

        stored.told(self._home.store(), alerts, now_ms)

    def message(self, alerts: Sequence[Alert]) -> tuple[str, str]:
        """The subject and the text that tells of them."""
        from uwf.engine.upkeep import alerts as stored

        return stored.message(alerts)

    def absent(self, now_ms: int) -> list[tuple[Absence, int]]:
        """What was to have happened and has not, and since when (epoch ms) it is missed."""
        from uwf.config.absences import Absence
        from uwf.engine.events import listing
        from uwf.engine.upkeep import absences

        rules = self._home.config.elements(Absence)
        if not rules:
            return []

        def came(name: str, since_ms: int) -> bool:
            found = listing.events(
                self._home.reader(),
                name=name,
                since_ms=since_ms,
                limit=1,
                on_unreadable=lambda _: None,
            )
            return bool(found)

        store = self._home.store(create=True)
        ends = absences.overdue(store, [(one.name, one.within_s, one.by) for one in rules], now_ms)
        return [
            (rule, end.at_ms)
            for rule, end in zip(rules, ends, strict=True)
            if end is not None and not came(rule.on, end.since_ms)
        ]

    def prune(self, now_ms: int) -> int:
        """Forget what is long over; how many."""
        from uwf.engine.upkeep import alerts

        return alerts.prune(self._home.store(), now_ms)
