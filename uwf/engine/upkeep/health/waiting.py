"""The queue: entries of the dead, what cannot be read of it, and threads that wait although there is room."""

from __future__ import annotations

from uwf import home as paths
from uwf.agent.process import platform
from uwf.engine.chain.thread import is_alive
from uwf.engine.upkeep.health.check import Check
from uwf.errors import StoreError
from uwf.guard.capacity import joined, places, queue, slots
from uwf.quantities import TIME, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.upkeep.health.check import Finding
    from uwf.guard.capacity.queue import QueueEntry
    from uwf.store.protocols import Store

STUCK_MS = 15 * 60_000
"""A slot is free for so long, and who waits for it has not taken it."""


class QueueCheck(Check):
    """Entries of dead processes, of those that had joined a run, and what no version has put there."""

    name = "queue"
    what = "entries in the queue of dead processes"

    def __init__(self, ground: Any) -> None:
        super().__init__(ground)
        self._dead: dict[str, QueueEntry] = {}
        self._wrong: dict[str, Any] = {}

    def detect(self) -> list[Finding]:
        return [*self._waiters(), *self._notes()]

    def repair(self, finding: Finding) -> None:
        """As it was found: who has come in its place meanwhile stays."""
        name, store = finding.subject, self._ground.store
        if name in self._dead:
            with store.transaction("doctor waiter", durable=False) as tx:
                queue.leave(tx, self._dead[name])
        elif name.startswith(queue.PREFIX):
            with store.transaction("doctor entry", durable=False) as tx:
                if tx.counter(name) == self._wrong[name]:
                    queue.remove(tx, name.removeprefix(queue.PREFIX))
        else:
            with store.transaction("doctor note", durable=False) as tx:
                if tx.counter(name) == self._wrong[name]:
                    tx.set_counter(name, None)

    def _waiters(self) -> list[Finding]:
        found = []
        for name, value in self._ground.store.counters(queue.PREFIX):
            try:
                entry = queue.read(name, value)
            except StoreError as error:
                self._wrong[name] = value
                thread = name.removeprefix(queue.PREFIX)
                found.append(self.found(name, error.message, thread=thread))
                continue
            if not is_alive(self._ground.store, entry.owner):
                self._dead[name] = entry
                what = f"an entry in the queue of process {entry.owner.pid}, which is gone"
                found.append(self.found(name, what, thread=entry.thread))
        return found

    def _notes(self) -> list[Finding]:
        """Those that had joined a run and died, and what cannot be read of them or of the places of threads."""
        store, found = self._ground.store, []
        for name, value in (*store.counters(joined.PREFIX), *store.counters(places.PREFIX)):
            what = _wrong_with(store, name, value)
            if what is not None:
                self._wrong[name] = value
                thread = joined.thread_of(name) if name.startswith(joined.PREFIX) else None
                found.append(self.found(name, what, thread=thread))
        return found


class StuckCheck(Check):
    """Threads whose process waits for a slot while there is one."""

    name = "stuck"
    what = "threads that wait although there is a slot"

    def detect(self) -> list[Finding]:
        store, found = self._ground.store, []
        for name, value in store.counters(queue.PREFIX):
            try:
                entry = queue.read(name, value)
            except StoreError:
                continue  # told by the check of the queue
            waited_ms = queue.waited_ms(entry)
            if waited_ms < STUCK_MS or not platform.is_alive(entry.owner):
                continue
            folder = paths.slots(self._ground.home)
            full = slots.first_full(folder, entry.pools) or places.first_full(store, entry.pools)
            if full is None:
                what = (
                    f"it has waited for {said(TIME, waited_ms // 1000)} although there is a slot: the machine has no "
                    f"room for it, or process {entry.owner.pid} hangs"
                )
                hint = "uwf guard status"
                found.append(self.found(entry.thread, what, thread=entry.thread, hint=hint))
        return found


def _wrong_with(store: Store, name: str, value: Any) -> str | None:
    try:
        if name.startswith(places.PREFIX):
            places.noted(name, value)
            return None
        owner = joined.read(name, value).owner
    except StoreError as error:
        return error.message
    if is_alive(store, owner):
        return None
    return f"process {owner.pid} had joined its run, and is gone"
