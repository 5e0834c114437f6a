"""The one face of the engine: every front door (the command line, a daemon, a server, a screen) uses `App`.

    with App.open(home) as app:
        thread = app.start("review", "Look at the parser.", labels={"repo": "shop"})
        for done in app.exec(thread.thread, count=None):
            print(done.step_status)

Verbs are whole acts: each takes the locks it needs, settles what a dead process left, and answers with the thread
as it is then. Queries only read. Both take what a person types for a thread or a step: an id, a part of one,
`@last`. What they answer are records (`uwf.app.values`); a run tells of its progress (`uwf.app.progress`); errors are
those of `uwf.errors`. Threads stand here; what else a home has is in facets of its own: `steps`, `workflows`,
`objects`, `guards`, `events`, `schedules`, `upkeep`, `settings`, `agents`, `daemon`, `alerts`, `log`, `health`,
`backups`, `figures`, `worktrees`.

Commands that look pay for what is imported, so everything below is imported where it is used.
"""

from __future__ import annotations

from uwf import config
from uwf.app.opened import QUICK_S, no_warning
from uwf.app.verbs import ThreadVerbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.completion import Candidate
    from uwf.app.objects import StoredObjects
    from uwf.app.overview import Overview
    from uwf.app.setup.agents import Agents
    from uwf.app.setup.guards import Guards
    from uwf.app.setup.settings import Settings
    from uwf.app.setup.workflows import Workflows
    from uwf.app.thread.steps import Steps
    from uwf.app.thread.wakes import Wakes
    from uwf.app.thread.worktrees import Worktrees
    from uwf.app.unattended.daemon import Daemons
    from uwf.app.unattended.events import Events
    from uwf.app.unattended.schedules import Schedules
    from uwf.app.unattended.sources import Sources
    from uwf.app.upkeep.alerts import Alerts
    from uwf.app.upkeep.backups import Backups
    from uwf.app.upkeep.figures import HomeFigures
    from uwf.app.upkeep.health import Health
    from uwf.app.upkeep.log import HomeLog
    from uwf.app.upkeep.store import Upkeep
    from uwf.engine.query.home.audit import Promise
    from uwf.engine.query.home.digest import Digest


class App(ThreadVerbs):
    """Everything one can do with a home, and see of it."""

    _schedules: Schedules | None = None

    @classmethod
    def open(
        cls,
        home: str | None = None,
        *,
        warn: Callable[[str], None] = no_warning,
        wait_s: float = QUICK_S,
        store_address: str | None = None,
    ) -> App:
        """The home at `home`, by default that of the environment. Nothing is read or made yet.

        `warn` is told what will go wrong one day. `wait_s` bounds the waiting for other writers of the store, but for
        a run, which waits longer. `store_address` is where the store is, whatever the home says.
        """
        return cls(config.home(home), warn, wait_s, store_address)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def complete(self, kind: str, prefix: str = "") -> Iterator[Candidate]:
        """What may be typed for a `thread`, a `step`, a `workflow`, …, `prefix` being typed: see `completion.KINDS`."""
        from uwf.app.completion import KINDS

        return KINDS[kind](self, prefix)

    def overview(self) -> Overview:
        """This home at a glance."""
        from uwf.app import overview

        return overview.look(self)

    def audit(self, since_ms: int) -> list[Promise]:
        """Every promise of this home: what is open, and of what is over that since then; the broken ones first."""
        from uwf.app.upkeep import audit

        return audit.of(self, self.schedules, since_ms)

    def save(self, path: str, text: str) -> int:
        """Let the file `path` have `text`, rid of secrets, whole or not at all; how many bytes that is."""
        from uwf.store import files

        data = self.redactor.text(text).encode()
        files.put(path, data)
        return len(data)

    def digest(self, since_ms: int) -> Digest:
        """What happened in this home since then, what waits for a person first."""
        from uwf import clock
        from uwf.app.upkeep.alerts import BROKEN, WAITS
        from uwf.engine.query.home import digest
        from uwf.record import replace

        found = digest.look(self.reader(), self.inbox(), since_ms, clock.now_ms())
        repairs = self.log.newest(since_ms=since_ms, words="repair", limit=1000)
        in_inbox = (WAITS, *(f"{BROKEN}{one.thread}" for one in found.inbox.broken))
        alerts = [
            one for one in self.alerts.all() if one.is_open and not one.cause.startswith(in_inbox)
        ]
        return replace(
            found,
            repaired=tuple(
                digest.repair(line.fields) for line in repairs if digest.is_repair(line.fields)
            ),
            odd=(*found.odd, *(f"{one.level}: {one.text}" for one in alerts)),
        )

    @property
    def steps(self) -> Steps:
        from uwf.app.thread.steps import Steps

        return Steps(self)

    @property
    def workflows(self) -> Workflows:
        from uwf.app.setup.workflows import Workflows

        return Workflows(self)

    @property
    def objects(self) -> StoredObjects:
        from uwf.app.objects import StoredObjects

        return StoredObjects(self)

    @property
    def guards(self) -> Guards:
        from uwf.app.setup.guards import Guards

        return Guards(self)

    @property
    def events(self) -> Events:
        from uwf.app.unattended.events import Events

        return Events(self)

    @property
    def upkeep(self) -> Upkeep:
        from uwf.app.upkeep.store import Upkeep

        return Upkeep(self)

    @property
    def schedules(self) -> Schedules:
        """One for all that is asked: it keeps what its prechecks have answered."""
        if self._schedules is None:
            from uwf.app.unattended.schedules import Schedules

            self._schedules = Schedules(self)
        return self._schedules

    @property
    def settings(self) -> Settings:
        from uwf.app.setup.settings import Settings

        return Settings(self)

    @property
    def wakes(self) -> Wakes:
        from uwf.app.thread.wakes import Wakes

        return Wakes(self)

    @property
    def agents(self) -> Agents:
        from uwf.app.setup.agents import Agents

        return Agents(self)

    @property
    def daemon(self) -> Daemons:
        from uwf.app.unattended.daemon import Daemons

        return Daemons(self)

    @property
    def alerts(self) -> Alerts:
        from uwf.app.upkeep.alerts import Alerts

        return Alerts(self)

    @property
    def backups(self) -> Backups:
        from uwf.app.upkeep.backups import Backups

        return Backups(self)

    @property
    def figures(self) -> HomeFigures:
        from uwf.app.upkeep.figures import HomeFigures

        return HomeFigures(self)

    @property
    def health(self) -> Health:
        from uwf.app.upkeep.health import Health

        return Health(self)

    @property
    def log(self) -> HomeLog:
        from uwf.app.upkeep.log import HomeLog

        return HomeLog(self)

    @property
    def worktrees(self) -> Worktrees:
        from uwf.app.thread.worktrees import Worktrees

        return Worktrees(self)

    @property
    def sources(self) -> Sources:
        from uwf.app.unattended.sources import Sources

        return Sources(self)
