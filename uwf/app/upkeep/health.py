"""The health of a home: what is wrong with it, and putting that right."""

from __future__ import annotations

from uwf import config as settings
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app.opened import OpenHome
    from uwf.engine.upkeep.health.check import Finding
    from uwf.engine.upkeep.health.clocks import ClockOff


class CheckView(Record):
    """A check: what it looks for, how often a daemon makes it (None: never), and whether in a process of its own."""

    name: str
    what: str
    every_s: float | None
    is_slow: bool
    can_repair: bool


class Health:
    """What `app.health` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def checks(self) -> list[CheckView]:
        """All there are, in their order."""
        from uwf.engine.upkeep.health.table import CHECKS

        return [
            CheckView(
                one.name,
                one.what,
                None if one.is_told_by_others else one.every_s,
                one.is_slow,
                one.can_repair(),
            )
            for one in CHECKS
        ]

    def skew(self) -> str | None:
        """That this machine's clock is not the database's, in words; None where it is, or nobody has told."""
        from uwf import clock
        from uwf.engine.upkeep.health.clocks import SET_RIGHT, ClockOff

        off_ms = clock.off_ms()
        words = ClockOff(settings.host(), off_ms).words
        return f"{words} until one of them is set right: {SET_RIGHT}" if off_ms else None

    def unfit(self) -> str | None:
        """What this home lacks for a run, in words: it cannot be written, or its disk is full; None: nothing."""
        from uwf.guard.capacity import room
        from uwf.guard.capacity.resources import Resources

        rules = self._home.config.rules(Resources.Rules)
        return room.lacks(self._home.home, rules.disk_floor_bytes)

    def clocks_off(self) -> list[ClockOff]:
        """The machines of those that share the store whose clock is off."""
        from uwf.engine.upkeep.health import clocks

        return clocks.clocks_off(self._home.reader())

    def examine(
        self, only: Sequence[str] = (), *, repair: bool = False, note: bool | None = None
    ) -> list[Finding]:
        """What is wrong, by all checks or those that are named; with `repair`, put right.

        Each repair is in the log. With `note`, by default where repairing, a check notes how far it has come. Where the
        configuration is not valid, only the checks that need none are made beside its own.
        """
        from functools import cache

        from uwf.app.thread import run_context
        from uwf.engine.upkeep.health import table
        from uwf.engine.upkeep.health.check import Ground

        home = self._home
        checks = table.named(only)
        ground = Ground(
            home=home.home,
            opened=home.store() if home.has_store() else None,
            load_run=cache(lambda: run_context.of(home)),
            load_config=lambda: settings.load(home.home),
            environ=settings.environment(),
            log=home.log_writer.write,
            may_write=repair if note is None else note,
            unfit=self._unfit_workers,
        )
        return table.examine(ground, checks, repair=repair)

    def _unfit_workers(self) -> dict[str, str]:
        """What the homes lack whose workers take nothing, by their machines."""
        from contextlib import closing

        from uwf.errors import StoreError
        from uwf.jobs.link import NO_QUEUE, QueueLink
        from uwf.jobs.workers import UNFIT, Workers

        if self._home.has_store_file:
            return {}
        with closing(QueueLink(self._home.store_address, "uwf")) as link:
            try:
                found = Workers(link).all()
            except StoreError as error:
                if error.code != NO_QUEUE:
                    raise
                return {}
        return {each.host: each.unfit for each in found if each.state == UNFIT}
