"""How the daemons of a home stand, seen from outside; and telling them to end. Works where none runs, too."""

from __future__ import annotations

import os
import time

from uwf import clock, config
from uwf.daemon import state
from uwf.errors import ConfigInvalid, StateError, StoreAway, StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from uwf.app import App
    from uwf.app.values import FiguresNow

    T = TypeVar("T")

POLL_S = 0.05
WATCH_S = 1.0
ENDING_S = 10.0
"""Beside its drain: how long a daemon has for its own ending."""


class LeaderView(Record):
    """The process that leads, since when, and what it says of itself; of one on another `host` only who it is."""

    pid: int
    since: int | None = None
    version: str | None = None
    jobs: int | None = None
    is_draining: bool = False
    host: str | None = None
    deaf: str | None = None
    config_error: str | None = None


class DaemonStatus(Record):
    """`standby` daemons wait to lead; `queue` threads wait for a slot, `due` ones for a run: None where the store
    cannot be read. `running` are run for the daemon; the `figures` are not asked for by `watch`. Since `crowded_since`
    fuzzy events wake nobody unless they are urgent. `faults`: why something is not known.
    """

    leader: LeaderView | None
    standby: int
    queue: int | None
    due: int | None
    running: Sequence[str]
    figures: FiguresNow | None
    parts: Mapping[str, Any]
    sources: Sequence[Any]
    quarantine: Sequence[Any]
    clock_jumps: int
    crowded_since: int | None
    faults: Sequence[str]


def status(app: App, *, with_figures: bool = True) -> DaemonStatus:
    """How it stands. What cannot be known, since the store or the configuration is bad, is None or empty."""
    faults = dict[str, None]()

    is_away = False

    def known(look: Callable[[], T], otherwise: T) -> T:
        nonlocal is_away
        if is_away:
            return otherwise
        try:
            return look()
        except StoreAway as error:
            is_away = True  # each look would wait as long as this one
            faults[error.message] = None
            return otherwise
        except (StoreError, ConfigInvalid) as error:
            faults[error.message] = None
            return otherwise

    here = app.daemon.leader()
    unknown: tuple[int | None, str | None] = here, None
    pid, host = known(lambda: _who_leads(app), unknown)
    is_here = pid is not None and pid == here and host in (None, config.host())
    told = state.read(app.home, pid) if pid is not None and is_here else {}
    leader = None
    if pid is not None:
        names = ("since", "version", "jobs", "is_draining", "deaf", "config_error")
        facts = {name: told[name] for name in names if name in told}
        leader = LeaderView(pid, host=host, **facts)
    running: Sequence[str] = told.get("running", ())
    if leader is not None and not is_here:
        running = known(app.wakes.under_way, [])
    nothing: FiguresNow | None = None
    no_sources: Sequence[Any] = ()
    return DaemonStatus(
        leader=leader,
        standby=len(app.daemon.standbys()) + (here is not None and not is_here),
        queue=known(lambda: len(app.guards.queue()), None),
        due=known(lambda: _due(app), None),
        running=running,
        figures=known(app.figures.now, nothing) if with_figures else None,
        parts=told.get("parts", {}),
        sources=known(app.sources.all, no_sources),
        quarantine=told.get("quarantine", ()),
        clock_jumps=told.get("jumps", 0),
        crowded_since=known(app.events.crowded_since_ms, None),
        faults=tuple(faults),
    )


def _who_leads(app: App) -> tuple[int | None, str | None]:
    """The process, and where many machines share the store which of them it is on."""
    owner = app.daemon.of_all()
    return (None, None) if owner is None else (owner.pid, owner.host or None)


def watch(app: App, is_read: Callable[[], bool]) -> Iterator[DaemonStatus]:
    """The status now, and again whenever it has changed, as long as somebody reads it."""
    before = None
    while is_read():
        now = status(app, with_figures=False)
        if now != before:
            yield now
        before = now
        time.sleep(WATCH_S)


def stop(app: App, *, now: bool = False) -> list[int]:
    """End all daemons of the home, those that wait first; the processes that were ended.

    The one that leads waits for what runs, as `[daemon] drain` says; with `now` it does not. Raises `StateError` when
    one does not end.
    """
    from signal import SIGTERM, SIGUSR1

    daemons, ended = app.daemon, list[int]()
    leader = daemons.leader()
    told = {} if leader is None else state.read(app.home, leader)
    patience_s = ENDING_S + (0.0 if now else told.get("drain_s", 0.0))
    deadline_s = clock.monotonic_s() + patience_s
    for pid in daemons.standbys():
        ended += _told(pid, SIGTERM)
    while pids := daemons.standbys():
        _wait(deadline_s, pids[0], now)
    leader = daemons.leader()
    if leader is None:
        return ended
    ended += _told(leader, SIGUSR1 if now else SIGTERM)
    while daemons.leader() == leader:
        _wait(deadline_s, leader, now)
    return ended


def _told(pid: int, signum: int) -> list[int]:
    """Send a signal; the process, unless it has ended meanwhile."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return []
    except PermissionError:
        raise StateError(
            f"the daemon is process {pid} of another user",
            hint=f"ps -o user= -p {pid}",
            code="owner",
        ) from None
    return [pid]


def _wait(deadline_s: float, pid: int, now: bool) -> None:
    if clock.monotonic_s() >= deadline_s:
        raise StateError(
            f"the daemon, process {pid}, has not ended in time",
            hint=f"kill -9 {pid}" if now else "uwf daemon stop --now",
            code="not_ended",
        )
    time.sleep(POLL_S)


def _due(app: App) -> int:
    running = set(app.wakes.under_way())
    return sum(each.thread not in running for each in app.wakes.due(clock.now_ms()).threads)
