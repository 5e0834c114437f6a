"""The sources that are asked for events: what is configured, where each stands, and storing what they gave."""

from __future__ import annotations

from uwf import clock
from uwf.config.sources import EndpointConfig, Source
from uwf.engine.sources import state as states
from uwf.engine.sources.state import SourceState
from uwf.errors import NotFound
from uwf.nearest import or_meant
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uwf.app.opened import OpenHome
    from uwf.engine.events.event import Event
    from uwf.engine.sources.carried import CarriedPull
    from uwf.engine.sources.state import Delivered

OK, NEW, FAILING, PAUSED = "ok", "new", "failing", "paused"


class SourceView(Record):
    """One source as `source list` shows it. Times are epoch milliseconds, None: never."""

    source: str
    kind: str
    state: str
    of: str
    polled: int | None
    seen: int | None
    next: int | None
    error: str | None
    error_at: int | None
    failures: int
    watching: int
    waiting: int
    aged: tuple[str, ...]


class Sources:
    """What `app.sources` can do."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def configured(self) -> tuple[Source, ...]:
        return self._home.config.elements(Source)

    def endpoint(self) -> EndpointConfig:
        """Where the daemon listens, and to whom."""
        return self._home.config.rules(EndpointConfig)

    def find(self, name: str) -> Source:
        """Raises `NotFound` with the nearest name."""
        known = {source.name: source for source in self.configured()}
        if name in known:
            return known[name]
        raise NotFound(
            f"no source is called {name!r}{or_meant(name, known)}",
            hint="uwf source list",
            code="no_such_source",
        )

    def all(self) -> list[SourceView]:
        """All that are configured, in the order of the file."""
        return list(map(self._view, self.configured()))

    def view(self, name: str) -> SourceView:
        return self._view(self.find(name))

    def pause(self, name: str) -> SourceView:
        """Ask it no more, until `resume`. What its webhooks deliver is taken in all the same."""
        source = self.find(name)
        states.pause(self._home.store(create=True), name, clock.now_ms())
        return self._view(source)

    def resume(self, name: str) -> bool:
        """False when it was not paused."""
        self.find(name)
        return states.unpause(self._home.store(create=True), name)

    def is_paused(self, name: str) -> bool:
        return states.paused_ms(self._home.reader(), name) is not None

    def state(self, name: str) -> SourceState:
        return states.of(self._home.reader(), name)

    def pulls(self, name: str) -> dict[int, Mapping[str, Any]]:
        """What is remembered of each pull request."""
        return states.pulls(self._home.reader(), name)

    def carried(self, source: Source) -> list[CarriedPull]:
        """The pull requests of a forge that threads carry."""
        from uwf.engine.sources import carried

        repos = {each.repo.lower() for each in self.configured() if each.is_forge}
        return carried.carried(self._home.reader(), source.repo, is_only_one=len(repos) == 1)

    def deliver(
        self,
        name: str,
        events: Sequence[Event],
        state: SourceState,
        changes: Mapping[int, Mapping[str, Any] | None],
    ) -> Delivered:
        """Store what a poll gave, and where the source stands then, in one transaction."""
        store = self._home.store(create=True)
        return states.deliver(store, name, events, state, changes, clock.now_ms())

    def _view(self, source: Source) -> SourceView:
        state = self.state(source.name)
        standing = OK if state.polled_ms else NEW
        if state.failures:
            standing = FAILING
        if self.is_paused(source.name):
            standing = PAUSED
        return SourceView(
            source=source.name,
            kind=source.kind,
            state=standing,
            of=source.repo or source.path or " ".join(source.command),
            polled=state.polled_ms or None,
            seen=state.seen_ms or None,
            next=state.next_ms if standing in (OK, FAILING) else None,
            error=state.error or None,
            error_at=state.error_ms or None,
            failures=state.failures,
            watching=state.watching,
            waiting=state.waiting,
            aged=state.aged,
        )
