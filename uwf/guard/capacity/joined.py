"""Those that wait for a thread which another process runs: they join its run.

One counter each, `joined/<thread>/<number>`: which process it is. However many have joined a thread, it is one of those
that the queue has room for: when the run ends without an answer for them, one of them runs the thread next, and the
others have joined that one. What has joined and died has joined nothing.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.guard.counters import unreadable
from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.store.protocols import Counters, Transaction

PREFIX = "joined/"


class Joined(Record):
    """One that waits, in the counter `name`."""

    name: str
    owner: Owner
    since_s: float

    @property
    def thread(self) -> str:
        return thread_of(self.name)


def thread_of(name: str) -> str:
    """The thread that is waited for in the counter `name`."""
    return name.removeprefix(PREFIX).split("/")[0]


def put(tx: Transaction, thread: str, owner: Owner) -> str:
    """Note that `owner` waits for `thread`; the name of its counter."""
    name = f"{PREFIX}{thread}/{os.urandom(8).hex()}"
    value = {"pid": owner.pid, "started": owner.started, "since": clock.monotonic_s()}
    if owner.host:
        value["host"] = owner.host
    tx.set_counter(name, value)
    return name


def all_of(counters: Counters, thread: str = "") -> list[Joined]:
    """Those that have joined `thread`, by default any, in the order in which they came, the dead ones too."""
    prefix = f"{PREFIX}{thread}/" if thread else PREFIX
    found = [read(name, value) for name, value in counters.counters(prefix)]
    return sorted(found, key=lambda one: one.since_s)


def threads(counters: Counters, is_alive: Callable[[Owner], bool]) -> set[str]:
    """The threads that somebody has joined."""
    return {one.thread for one in all_of(counters) if is_alive(one.owner)}


def drop_dead(tx: Transaction, is_alive: Callable[[Owner], bool]) -> None:
    """Forget those whose process is dead."""
    for one in all_of(tx):
        if not is_alive(one.owner):
            tx.set_counter(one.name, None)


def read(name: str, value: Any) -> Joined:
    """The one in the counter `name`. Raises `StoreError` for what this version has not put there."""
    try:
        owner = Owner(value["pid"], value["started"], value.get("host", ""))
        return Joined(name, owner, value["since"])
    except (AttributeError, KeyError, TypeError):
        raise unreadable(name, value, "uwf doctor --repair") from None
