"""Schedules: what is due is claimed, begun and followed to its end; and what a person asks of them."""

from __future__ import annotations

import os
import threading
from types import MappingProxyType

from uwf import clock
from uwf import config as settings
from uwf.engine.schedules import alarms as alarming
from uwf.engine.schedules import begin, claim, facts, hand, view
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.news import NAMES
from uwf.engine.schedules.precheck import Prechecks
from uwf.errors import ConfigInvalid, InputError, NotFound
from uwf.guard.spending import day
from uwf.guard.spending.budget import Budget
from uwf.nearest import or_meant
from uwf.record import Record, replace
from uwf.recurrence import Recurrence, zone_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from uwf.app.queries import ThreadQueries
    from uwf.config.schedules import Schedule
    from uwf.engine.chain.worktree import WorktreeAsked
    from uwf.engine.schedules.alarms import Alarm
    from uwf.engine.schedules.view import OccurrenceView, ScheduleView, Upcoming
    from uwf.workflow.model import Workflow

MOST_NEXT = 1000
"""How many of the times to come are looked for at most."""
_WAIT_S = 1.0


class Tick(Record):
    """What one look has come to: what was claimed, of which occurrences there was news, and what was left alone because
    it cannot be read, by name. `next_ms` is when there is something to claim again, None: never.
    """

    claimed: tuple[OccurrenceView, ...] = ()
    news: tuple[OccurrenceView, ...] = ()
    next_ms: int | None = None
    set_aside: Mapping[str, str] = MappingProxyType({})


class Schedules:
    """What `app.schedules` can do. Prechecks that it has begun run until it is closed, or its process ends."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home
        self._answered = threading.Event()
        self.on_answer: Callable[[], None] = lambda: None
        """Called, in another thread, when a precheck has answered: it is time for a tick."""
        self._prechecks = Prechecks(settings.environment_of_programs(), self._one_answered)

    def tick(self, now_ms: int) -> Tick:
        """Do what there is to do at `now_ms`, once, whatever others do at the same time, and wait for nothing."""
        schedules = self._schedules()
        if (
            not schedules
            and self._home.has_store_file
            and not os.path.exists(self._home.store_path)
        ):
            return Tick()
        store = self._home.store(create=True)
        news = facts.settle(store, self._watch(schedules), now_ms)
        claimed = claim.claim_due(
            store, tuple(schedules.values()), self._rule, now_ms, settings.local_zone()
        )
        news += begin.begin_claimed(self._hands(schedules), now_ms)
        self.prune(now_ms)
        shown = {one.key: view.occurrence_view(store, one) for one in news}
        for one in shown.values():
            self._log(one)
        return Tick(
            tuple(view.occurrence_view(store, one) for one in claimed),
            tuple(shown.values()),
            self._next_ms(schedules, now_ms),
            {bad.name: bad.why for bad in occurrences.unreadable(store)},
        )

    def tick_through(self) -> Tick:
        """The same now, for a command that does not stay: it waits for the prechecks that it has begun."""
        tick = self.tick(self._home.now_ms())
        news = {(one.schedule, one.nominal): one for one in tick.news}
        while self._prechecks.are_asked:
            self._answered.wait(_WAIT_S)
            self._answered.clear()
            again = self.tick(self._home.now_ms())
            news |= {(one.schedule, one.nominal): one for one in again.news}
        return replace(tick, news=tuple(news.values()))

    def all(self) -> list[ScheduleView]:
        """Every schedule of the config, in its order."""
        now_ms = self._home.now_ms()
        reader = self._home.reader()
        return [
            view.schedule_view(reader, schedule, self._rule(schedule), now_ms)
            for schedule in self._schedules().values()
        ]

    def next(self, name: str | None = None, count: int = 5) -> list[Upcoming]:
        """The next times of one schedule, or of all, by time."""
        if count > MOST_NEXT:
            raise InputError(
                f"{count} times are more than the {MOST_NEXT} that are looked for",
                hint=f"uwf schedule next -n {MOST_NEXT}",
            )
        now_ms = self._home.now_ms()
        named = list(self._schedules().values()) if name is None else [self._named(name)]
        found = [
            one
            for schedule in named
            for one in view.upcoming(schedule, self._rule(schedule), now_ms, count)
        ]
        return sorted(found, key=lambda one: (one.due, one.schedule))[:count]

    def log(self, name: str, limit: int = 20) -> list[OccurrenceView]:
        """The occurrences of one schedule, the latest first."""
        return view.log(self._home.reader(), self._named(name).name, limit)

    def run(self, name: str) -> OccurrenceView:
        """An occurrence of it now, whatever the time and its precheck. `StateError` where another is in its way."""
        schedule = self._named(name)
        store = self._home.store(create=True)
        self._settle(schedule)
        begin.begin_claimed(self._hands(self._schedules()), clock.now_ms(), by_person=True)
        one = hand.claim_one(store, schedule, self._rule(schedule), clock.now_ms())
        begin.begin_claimed(self._hands(self._schedules()), clock.now_ms(), by_person=True)
        self._home.poke_daemon()
        return self._shown(one.key)

    def backfill(self, name: str, since_ms: int, *, dry_run: bool = False) -> list[Upcoming]:
        """Claim the times since `since_ms` that nobody has claimed, and begin the first. `dry_run`: only say which."""
        schedule = self._named(name)
        rule, now_ms = self._rule(schedule), self._home.now_ms()
        times = hand.times_since(self._home.reader(), schedule, rule, since_ms, now_ms)
        if times and not dry_run:
            store = self._home.store(create=True)
            hand.backfill(store, schedule, rule, times, now_ms)
            self._settle(schedule)
            begin.begin_claimed(self._hands(self._schedules()), now_ms, by_person=True)
            self._home.poke_daemon()
        return [view.Upcoming(name, at, at, rule.written(at)) for at in times]

    def pause(self, name: str, why: str = "") -> ScheduleView:
        """Claim nothing of it until it is resumed."""
        schedule = self._named(name)
        store, rule = self._home.store(create=True), self._rule(schedule)
        hand.pause(store, schedule, rule, self._home.clean(why, "the reason"), clock.now_ms())
        return view.schedule_view(store, schedule, rule, clock.now_ms())

    def resume(self, name: str) -> ScheduleView:
        """Let its times count again from now on."""
        schedule = self._named(name)
        store, rule = self._home.store(create=True), self._rule(schedule)
        hand.resume(store, schedule, rule, clock.now_ms())
        self._home.poke_daemon()
        return view.schedule_view(store, schedule, rule, clock.now_ms())

    def alarms(self, now_ms: int) -> list[Alarm]:
        """What is wrong with them now, for a person to know."""
        return alarming.alarms(self._home.reader(), tuple(self._schedules()), now_ms)

    def overdue(self, now_ms: int) -> list[Upcoming]:
        """The times that are due and that nobody has claimed yet, of each schedule the first."""
        found, reader = [], self._home.reader()
        for schedule in self._schedules().values():
            rule, state = self._rule(schedule), occurrences.state_of(reader, schedule.name)
            if state is None or state.rule != rule.text or state.is_paused:
                continue
            nominal_ms = rule.next(min(state.looked_ms, now_ms))
            if nominal_ms is not None and (due := claim.due_ms(schedule, nominal_ms)) <= now_ms:
                found.append(
                    view.Upcoming(schedule.name, nominal_ms, due, rule.written(nominal_ms))
                )
        return found

    def due_ms(self, name: str, nominal_ms: int) -> int:
        """When a nominal time of a schedule is due, with its jitter."""
        return claim.due_ms(self._named(name), nominal_ms)

    def problems(self) -> dict[str, str]:
        """By name, the schedules that would not do what is written: their workflow is not there, or not valid, or their
        precheck is meant for a shell, without which it is nearly always a yes.
        """
        from uwf.agent.shell_signs import shell_signs
        from uwf.app.unattended import references
        from uwf.config import edit

        found = {}
        for name, schedule in self._schedules().items():
            if signs := shell_signs(schedule.precheck):
                where = edit.place(self._home.home, ("schedules", name, "precheck"))
                found[name] = f"{where}: no shell is run, and {signs[0]} is one's: write sh -c '…'"
            if schedule.start:
                why = references.of_workflow(self._home, schedule.start, schedule.cwd)
                if why is not None:
                    where = edit.place(self._home.home, ("schedules", name, "start"))
                    found[name] = f"{where}: {why}"
        return found

    def prune(self, now_ms: int) -> int:
        """Remove what is over and older than is kept; how many occurrences those were. Each tick does it by itself."""
        if not occurrences.has_old(self._home.reader(), now_ms):
            return 0
        with self._home.store().transaction("prune", durable=False) as tx:
            return occurrences.prune(tx, now_ms)

    def close(self) -> None:
        """End the prechecks that run."""
        self._prechecks.close()

    def _schedules(self) -> dict[str, Schedule]:
        from uwf.config.schedules import Schedule

        return {one.name: one for one in self._home.config.elements(Schedule)}

    def _named(self, name: str) -> Schedule:
        schedules = self._schedules()
        if name in schedules:
            return schedules[name]
        raise NotFound(
            f"no schedule is called {name!r}{or_meant(name, schedules)}",
            hint="uwf schedule list" if schedules else f"${{EDITOR:-vi}} {self._home.config_path}",
            code="no_such_schedule",
        )

    def _rule(self, schedule: Schedule) -> Recurrence:
        try:
            zone = self._zone() if schedule.tz is None else zone_named(schedule.tz)
        except ValueError as error:  # the machine knew it when the config was read
            raise ConfigInvalid(
                f"schedules.{schedule.name}.tz: {error}", hint="timedatectl list-timezones"
            ) from None
        return Recurrence(schedule.cron, schedule.every_s, zone)

    def _zone(self) -> tzinfo:
        """The zone of the home, which is that of its days."""
        named = self._home.config.rules(Budget.Rules).zone
        return day.zone_of(self._home.reader(), named, settings.local_zone())

    def _next_ms(self, schedules: dict[str, Schedule], now_ms: int) -> int | None:
        states = occurrences.states(self._home.reader())
        found = [
            claim.next_due_ms(schedule, self._rule(schedule), states.get(name), now_ms)
            for name, schedule in schedules.items()
        ]
        return min((at for at in found if at is not None), default=None)

    def _hands(self, schedules: dict[str, Schedule]) -> begin.Hands:
        from uwf.app.thread import acts

        return begin.Hands(
            store=self._home.store(),
            schedules=schedules,
            workflow=self._workflow,
            cancel=lambda thread, why: acts.cancel_soon(self._home, thread, why),
            prechecks=self._prechecks,
            watch=self._watch(schedules),
            home=self._home.home,
            zone=settings.local_zone(),
            worktree=self._worktree,
        )

    def _watch(self, schedules: Mapping[str, Schedule]) -> facts.Watch:
        rules = self._home.rules()
        return facts.Watch(
            {name: schedule.pause_after for name, schedule in schedules.items()},
            frozenset(name for name in NAMES if rules.of(name)),
        )

    def _workflow(self, word: str, cwd: str) -> Workflow:
        from uwf.app.setup.workflows import Workflows

        return Workflows(self._home).find(word, cwd).workflow

    def _worktree(self, cwd: str) -> WorktreeAsked | None:
        if not self._home.has_worktrees:
            return None
        from uwf.app.thread import worktrees

        return worktrees.by_config(self._home, cwd)

    def _settle(self, schedule: Schedule) -> None:
        watch = self._watch({schedule.name: schedule})
        facts.settle(self._home.store(), watch, clock.now_ms(), only=schedule.name)

    def _shown(self, key: str) -> OccurrenceView:
        one = occurrences.read(self._home.store(), key)
        assert one is not None, "it was claimed just now"
        return view.occurrence_view(self._home.store(), one)

    def _log(self, one: OccurrenceView) -> None:
        self._home.log_writer.write(
            f"occurrence_{one.state}",
            thread=one.threads[0] if one.threads else None,
            schedule=one.schedule,
            nominal=one.nominal,
            how=one.how,
            why=one.why,
            threads=list(one.threads),
        )

    def _one_answered(self) -> None:
        self._answered.set()
        self.on_answer()
