"""`server_overloaded`, `queue_full`, `dropped`: a step needs a slot of every pool and a machine that can bear it.

Without `--wait` there is a place at once or none. With it the request stands in line, and takes its slots in
its turn: nobody who does not wait passes somebody who does. Whose turn it is says `line`, how one stands in it
`place`, and what is free `slots`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from uwf import clock
from uwf.errors import Refused, StoreBusy
from uwf.guard import place, queue, slots
from uwf.guard.contract import refuse
from uwf.guard.slots import MACHINE, Held, Pool
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.guard.contract import Release, Request
    from uwf.guard.queue import Entry
    from uwf.guard.slots import Table
    from uwf.store.protocols import Store

POLL_S = 0.025
LONGEST_POLL_S = 1.0
"""Those who may all go at once, if the machine is empty, look every `POLL_S`; as many behind them look half as
often, and so on, so that a line of hundreds costs little.
"""
CLEARING_S = 1.0
"""How often who finds no place looks whether one is taken up by what a dead uwf left behind."""
STARTING_S = 10.0
"""An agent that was started less than this ago may not have taken the memory that it is going to take."""
FAR_LOOK_S = 5.0
HESITATES_S = 2.0
"""Whoever could have gone for this long and has not is stopped (Ctrl-Z), and keeps nobody waiting."""


class Limits(Record):
    """How many agents at once, and how long the line may be. None means as many as the machine's limit."""

    per_agent: dict[str, int | None]
    per_workflow: dict[str, int]
    per_label: dict[str, int]
    max_running: int = 5
    max_queue: int = 20
    overflow: str = place.REFUSE


class Turn:
    """The guard. `check_machine(request, starting)` raises `Refused` when the machine cannot bear another agent
    beside those it sees and `starting` more; `clear(thread)` ends what a dead uwf left of a thread that nobody runs,
    and says whether there was anything; `sleep` is the waiting, which may raise to end it; `on_wait(refusal)` is told
    what is in the way when it begins; `started` is the start time of this process.
    """

    name = "slots"

    def __init__(
        self,
        store: Store,
        folder: str,
        limits: Limits,
        *,
        check_machine: Callable[[Request, int], None],
        clear: Callable[[str], bool],
        sleep: Callable[[float], None],
        started: str | None,
        is_alive: Callable[[int, str], bool],
        on_wait: Callable[[Refused], None] = lambda refusal: None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._limits = limits
        self._check_machine = check_machine
        self._clear = clear
        self._sleep = sleep
        self._on_wait = on_wait
        self._started = started or ""
        self._is_alive = is_alive
        self._line = place.Line(store, limits.max_queue, limits.overflow, is_alive)
        self._able_since: dict[tuple[str, int], float] = {}
        self._far_look_s = 0.0
        self._clear_look_s = 0.0
        self.held: Held | None = None
        """The slots of the step that runs, for its agent to inherit."""

    def enter(self, request: Request) -> Release:
        entry = self._entry(request)
        self.held = self._enter(request, entry)
        return self.held.release

    def _enter(self, request: Request, entry: Entry) -> Held:
        found = self._try(request, entry)
        if isinstance(found, Held):
            return found
        if request.wait_s <= 0:
            raise found
        with ExitStack() as undo:
            with self._line.joined_by(entry):
                held = self._wait(request, entry, found)
                undo.callback(held.release)
            undo.pop_all()  # and out of the line again: now the slots are the caller's
            return held

    def _wait(self, request: Request, entry: Entry, refusal: Refused) -> Held:
        deadline_s = clock.monotonic_s() + request.wait_s
        self._on_wait(refusal)
        while True:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                raise refusal
            self._sleep(min(self._poll_s(), left_s))
            self._line.check(entry)
            if self._is_far_off():
                continue
            found = self._try(request, entry)
            if isinstance(found, Held):
                return found
            refusal = found

    def _poll_s(self) -> float:
        """How long to wait until the next look."""
        return min(
            LONGEST_POLL_S, POLL_S * (1 + self._line.ahead() // max(1, self._limits.max_running))
        )

    def _is_far_off(self) -> bool:
        """Whether so many stand before this process that it need not look at the slots. Every `FAR_LOOK_S` it does all
        the same, for those before it may be waiting for something else; and as soon as the next of them is dead.
        """
        now_s = clock.monotonic_s()
        many = self._line.ahead() > self._limits.max_running
        if many and now_s < self._far_look_s and not self._line.has_lost_sight():
            return True
        self._far_look_s = now_s + FAR_LOOK_S
        return False

    def _try(self, request: Request, entry: Entry) -> Held | Refused:
        """Take the slots if it is this request's turn; else why not."""
        try:
            found = self._look_and_take(request, entry)
            if isinstance(found, Refused) and self._has_cleared(entry):
                found = self._look_and_take(request, entry)
            return found
        except StoreBusy as busy:  # with too many others; who waits has the time to look again
            return refuse("server_overloaded", busy.message, hint=busy.hint)

    def _has_cleared(self, entry: Entry) -> bool:
        """Whether a place was taken up by what a dead uwf had left, and is not any more. Not under the lock of the
        slots: ending processes may take the whole grace.
        """
        now_s = clock.monotonic_s()
        if now_s < self._clear_look_s:
            return False
        self._clear_look_s = now_s + CLEARING_S
        full = slots.first_full(self._folder, entry.pools)
        if full is None:
            return False
        threads = [owner.partition(" ")[0] for owner in slots.owners(self._folder, full)]
        return any([self._clear(thread) for thread in threads if thread])

    def _look_and_take(self, request: Request, entry: Entry) -> Held | Refused:
        # Whoever is not next, and these may be hundreds, sees that without keeping others from taking.
        refusal = self._not_next(request, entry, slots.Table(self._folder))
        if refusal is not None:
            return refusal
        with slots.taking(self._folder) as table:
            refusal = self._not_next(request, entry, table)
            return refusal or table.take(entry.pools, f"{request.thread} {os.getpid()}")

    def _not_next(self, request: Request, entry: Entry, table: Table) -> Refused | None:
        """Why it is not this request's turn, as far as `table` knows."""
        full = next((pool for pool in entry.pools if table.free(pool) <= 0), None)
        if full is not None:
            return self._full(request, full)
        starting = table.young(entry.pools[0], STARTING_S)
        overloaded = self._overloaded(request, starting)
        if overloaded is not None:
            self._able_since.clear()  # nor could others of this kind have gone
            return overloaded
        if not self._may_go(request, entry, table.free, starting):
            return refuse(
                "server_overloaded",
                f"others wait for a place and go before thread {request.thread}",
                hint=_next_command(request),
            )
        return None

    def _full(self, request: Request, pool: Pool) -> Refused:
        self._able_since.clear()
        return refuse("server_overloaded", pool.full, hint=_next_command(request))

    def _overloaded(self, request: Request, starting: int) -> Refused | None:
        try:
            self._check_machine(request, starting)
        except Refused as refusal:
            return refusal
        return None

    def _may_go(
        self, request: Request, entry: Entry, free: Callable[[Pool], int], starting: int
    ) -> bool:
        now_s = clock.monotonic_s()
        before, self._able_since = self._able_since, {}
        bearable: dict[tuple[str, bool], bool] = {(entry.agent, entry.person): True}
        dead: list[Entry] = []

        def is_there(other: Entry) -> bool:
            who = (other.thread, other.pid)
            if now_s - before.get(who, now_s) >= HESITATES_S:
                self._able_since[who] = before[who]
                return False
            if self._is_alive(other.pid, other.started):
                return True
            dead.append(other)
            return False

        def could_start(other: Entry) -> bool:
            kind = (other.agent, other.person)
            if kind not in bearable:
                asked = replace(request, agent=other.agent, person=other.person)
                bearable[kind] = self._overloaded(asked, starting) is None
            if bearable[kind]:
                who = (other.thread, other.pid)
                self._able_since[who] = before.get(who, now_s)
            return bearable[kind]

        def competes(other: Entry) -> bool:
            return all(free(pool) > 0 for pool in other.pools if pool.name != MACHINE)

        may_go = queue.may_go(
            self._line.look(entry, competes),
            entry,
            free=free,
            is_there=is_there,
            could_start=could_start,
            now_s=now_s,
        )
        self._line.remove(dead)
        return may_go

    def _entry(self, request: Request) -> Entry:
        return queue.Entry(
            thread=request.thread,
            agent=request.agent,
            pools=pools_of(self._limits, request.agent, request.workflow, request.labels),
            priority=request.priority,
            person=request.person,
            since_s=clock.monotonic_s(),
            pid=os.getpid(),
            started=self._started,
        )


def pools_of(limits: Limits, agent: str, workflow: str, labels: dict[str, str]) -> tuple[Pool, ...]:
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
    return tuple(found)


def _next_command(request: Request) -> str:
    if request.wait_s > 0:  # it has waited, in vain
        return "uwf queue list"
    return f"uwf thread exec {request.thread} --wait 600"
