"""`server_overloaded`, `queue_full`, `dropped`: a step needs a slot of every pool and a machine that can bear it.

Without `--wait` there is a place at once or none. With it the request stands in line, and takes its slots in
its turn: nobody who does not wait passes somebody who does.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.guard import line, slots
from uwf.guard.contract import refuse
from uwf.guard.slots import MACHINE, Full, Held, Pool
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.errors import Refused
    from uwf.guard.contract import Release, Request
    from uwf.guard.line import Entry
    from uwf.store.protocols import Store

POLL_S = 0.025
REFUSE, DROP_OLDEST = "refuse", "drop-oldest"


class Limits(Record):
    """How many agents at once, and how long the line may be. None means as many as the machine's limit."""

    per_agent: dict[str, int | None]
    per_workflow: dict[str, int]
    per_label: dict[str, int]
    max_running: int = 5
    max_queue: int = 20
    overflow: str = REFUSE


class Turn:
    """The guard. `check_machine` raises `Refused` when the machine cannot bear another agent; `sleep` is the
    waiting, which may raise to end it; `started` is the start time of this process.
    """

    name = "slots"

    def __init__(
        self,
        store: Store,
        folder: str,
        limits: Limits,
        *,
        check_machine: Callable[[Request], None],
        sleep: Callable[[float], None],
        started: str | None,
        is_alive: Callable[[int, str], bool],
    ) -> None:
        self._store = store
        self._folder = folder
        self._limits = limits
        self._check_machine = check_machine
        self._sleep = sleep
        self._started = started or ""
        self._is_alive = is_alive
        self.held: Held | None = None
        """The slots of the step that runs, for its agent to inherit."""

    def enter(self, request: Request) -> Release:
        entry = self._entry(request)
        waiting = line.entries(self._store, self._is_alive)
        refusal = self._try(request, entry, waiting)
        if refusal is not None:
            if request.wait_s <= 0:
                raise refusal
            self._wait(request, entry, refusal)
        return self._release

    def _release(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            held.release()

    def _wait(self, request: Request, entry: Entry, refusal: Refused) -> None:
        deadline_s = clock.monotonic_s() + request.wait_s
        self._stand_in_line(entry)
        try:
            while True:
                if clock.monotonic_s() >= deadline_s:
                    raise refusal
                self._sleep(POLL_S)
                waiting = line.entries(self._store, self._is_alive)
                mine = next((one for one in waiting if one.thread == entry.thread), None)
                if mine is None or mine.pid != entry.pid:
                    raise refuse(
                        "dropped",
                        f"thread {entry.thread} was dropped from the line of waiting threads",
                        hint=f"uwf thread exec {entry.thread} --wait 600",
                    )
                found = self._try(request, mine, waiting)
                if found is None:
                    return
                refusal = found
        finally:
            with self._store.transaction(durable=False) as tx:
                now = line.find(tx, entry.thread)
                if now is not None and now.pid == entry.pid:
                    line.remove(tx, entry.thread)

    def _try(self, request: Request, entry: Entry, waiting: list[Entry]) -> Refused | None:
        """Take the slots if it is this request's turn; else why not."""
        if not line.may_go(waiting, entry, clock.now_ms()):
            return refuse(
                "server_overloaded",
                f"{len(waiting)} threads wait before thread {request.thread} for one of "
                f"{self._limits.max_running} places",
                hint=f"uwf thread exec {request.thread} --wait 600",
            )
        self._check_machine(request)
        try:
            owner = f"{request.thread} {os.getpid()}"
            self.held = slots.take(self._folder, self._pools(request), owner)
        except Full as full:
            self._note_blocked(entry, full.pool)
            return refuse(
                "server_overloaded",
                f"all {full.pool.limit} places of {full.pool.name} are taken",
                hint=f"uwf thread exec {request.thread} --wait 600 waits for one",
            )
        return None

    def _note_blocked(self, entry: Entry, pool: Pool) -> None:
        """Let others pass while only a smaller pool is full."""
        blocked = "" if pool.name == MACHINE else pool.name
        if blocked != entry.blocked and line.find(self._store, entry.thread) is not None:
            with self._store.transaction(durable=False) as tx:
                if line.find(tx, entry.thread) is not None:
                    line.put(tx, replace(entry, blocked=blocked))

    def _stand_in_line(self, entry: Entry) -> None:
        limits = self._limits
        with self._store.transaction(durable=False) as tx:
            for _, value in tx.counters(line.PREFIX):
                other = line.read(value)
                if not self._is_alive(other.pid, other.started):
                    line.remove(tx, other.thread)
            waiting = line.entries(tx, self._is_alive)
            if len(waiting) >= limits.max_queue:
                if limits.overflow != DROP_OLDEST or not waiting:
                    raise refuse(
                        "queue_full",
                        f"{len(waiting)} threads wait already, as many as limits.max_queue allows",
                        hint="uwf queue list",
                    )
                oldest = min(waiting, key=lambda one: (one.person, one.arrived_ms, one.thread))
                line.remove(tx, oldest.thread)
            line.put(tx, entry)

    def _entry(self, request: Request) -> Entry:
        return line.Entry(
            thread=request.thread,
            priority=request.priority,
            person=request.person,
            arrived_ms=clock.now_ms(),
            pid=os.getpid(),
            started=self._started,
            pools=tuple(pool.name for pool in self._pools(request)),
        )

    def _pools(self, request: Request) -> list[Pool]:
        return pools_of(self._limits, request.agent, request.workflow, request.labels)


def pools_of(limits: Limits, agent: str, workflow: str, labels: dict[str, str]) -> list[Pool]:
    """The pools a step needs a slot of: the machine's, and each smaller one that is limited."""
    found = [Pool(MACHINE, limits.max_running)]
    most = limits.per_agent.get(agent)
    if most is not None:
        found.append(Pool(f"agent/{agent}", most))
    if workflow in limits.per_workflow:
        found.append(Pool(f"workflow/{workflow}", limits.per_workflow[workflow]))
    for label, value in sorted(labels.items()):
        if label in limits.per_label:
            found.append(Pool(f"label/{label}={value}", limits.per_label[label]))
    return found
