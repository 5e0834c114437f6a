"""One request that wants its slots: at once, or in the queue, until it is the first that can have them.

Without `--wait` there is a slot at once or none. With it the request joins the queue, and takes its slots when it is
next: a request that does not wait passes none that does. A run that has begun waits for its next slots until it has
them: it does not fall out in its middle because others wait.
"""

from __future__ import annotations

import math
from contextlib import ExitStack

from uwf import clock
from uwf.errors import Crowded, Refused, StoreBusy
from uwf.guard.capacity import slots
from uwf.guard.capacity.queue import QueueEntry, may_go
from uwf.guard.capacity.slots import Full, Held
from uwf.guard.contract import refuse
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.capacity.places import Places
    from uwf.guard.capacity.queue import Queue
    from uwf.guard.capacity.resources import Resources
    from uwf.guard.capacity.slots import Pool, SlotTable
    from uwf.guard.contract import Host, Request

POLL_S, LONGEST_POLL_S = 0.025, 1.0
"""Those that may all go at once, if the machine is empty, look every `POLL_S`; as many behind them half as often, and
so on, so that a queue of hundreds costs little.
"""
CLOSE_LOOK_S = 5.0
"""How often a waiter looks closely: also when many are ahead of it, for these may be dead or wait for something else;
and whether a slot is taken up by what a dead process left behind.
"""
STOPPED_S = 2.0
"""A waiter that could have gone for this long and has not is stopped (Ctrl-Z), and keeps no other waiting."""
STARTING_S = 10.0
"""An agent that was started less than this ago may not have taken the memory that it is going to take."""


class Waiter:
    """Takes the slots of one request. `folder` has all slots; `max_running` is the machine's limit."""

    def __init__(
        self,
        request: Request,
        pools: tuple[Pool, ...],
        *,
        folder: str,
        max_running: int,
        queue: Queue,
        places: Places,
        resources: Resources,
        host: Host,
    ) -> None:
        self._request = request
        self._entry = QueueEntry(
            thread=request.thread,
            agent=request.agent,
            pools=pools,
            priority=request.priority,
            person=request.person,
            since_s=clock.monotonic_s(),
            owner=host.owner,
            begun=request.begun,
            interactive=request.interactive,
        )
        self._wait_s = math.inf if request.begun else request.wait_s
        self._places = places
        self._folder = folder
        self._max_running = max(1, max_running)
        self._queue = queue
        self._resources = resources
        self._host = host
        self._next_close_look_s = 0.0
        self._could_go_since: dict[tuple[str, int], float] = {}  # thread and pid of other waiters
        self.has_waited = False

    def take(self) -> Held:
        """The slots of the request. Raises `Refused` when they cannot be had in the time that it gives."""
        found = self._try()
        if isinstance(found, Held):
            return found
        if self._wait_s <= 0:
            raise found
        self.has_waited = True
        with ExitStack() as undo:
            with self._queue.joined_by(self._entry):
                held = self._wait(found)
                undo.callback(held.release)
            undo.pop_all()  # and out of the queue again: now the slots are the caller's
            return held

    def _wait(self, refusal: Refused) -> Held:
        request = self._request
        deadline_s = clock.monotonic_s() + self._wait_s
        request.on_wait(refusal)
        while True:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                raise refusal
            rows_ahead = self._queue.ahead() // self._max_running
            request.sleep(min(POLL_S * (1 + rows_ahead), LONGEST_POLL_S, left_s))
            self._queue.check(self._entry)
            is_near = self._queue.ahead() <= self._max_running
            if is_near or clock.monotonic_s() >= self._next_close_look_s:
                found = self._try()
                if isinstance(found, Held):
                    return found
                refusal = found

    def _try(self) -> Held | Refused:
        """Take the slots if no other comes before this request; else why not."""
        try:
            found = self._take_if_next()
            if isinstance(found, Refused) and clock.monotonic_s() >= self._next_close_look_s:
                self._next_close_look_s = clock.monotonic_s() + CLOSE_LOOK_S
                if self._has_cleared():
                    found = self._take_if_next()
            return found
        except StoreBusy as busy:  # with too many others; a waiter has the time to look again
            return refuse("server_overloaded", busy.message, kind=Crowded, hint=busy.hint)

    def _has_cleared(self) -> bool:
        """Whether a slot was taken up by what a dead process had left, and is not any more. Not under the lock of the
        slots: ending processes may take the whole grace.
        """
        full = slots.first_full(self._folder, self._entry.pools)
        if full is None:
            return False
        return any([self._host.clear(thread) for thread in slots.holders(self._folder, full)])

    def _take_if_next(self) -> Held | Refused:
        # Those that are not next, and these may be hundreds, see that without keeping others from taking.
        table = slots.SlotTable(self._folder, self._places)
        refusal = self._not_next(table) if self.has_waited else self._full(table)
        if refusal is not None:
            return refusal
        with slots.taking(self._folder, self._places) as table:
            refusal = self._not_next(table)
            if refusal is not None:
                return refusal
            try:
                return table.take(self._entry.pools, self._entry.thread, self._entry.owner)
            except Full as full:  # another machine was faster
                return self._refuse_full(full.pool)

    def _not_next(self, table: SlotTable) -> Refused | None:
        """Why this request has to wait, as far as `table` knows."""
        refusal = self._full(table)
        if refusal is not None:
            return refusal
        starting = table.young(self._entry.pools[0], STARTING_S)
        refusal = self._overloaded(self._request, starting)
        if refusal is not None:
            self._could_go_since.clear()  # nor could others of this kind have gone
            return refusal
        if self._is_next(table, starting):
            return None
        return refuse(
            "server_overloaded",
            f"others wait for a slot and go before thread {self._request.thread}",
            kind=Crowded,
            hint=self._next_command(),
        )

    def _full(self, table: SlotTable) -> Refused | None:
        full = next((pool for pool in self._entry.pools if table.free(pool) <= 0), None)
        if full is None:
            return None
        return self._refuse_full(full)

    def _refuse_full(self, pool: Pool) -> Refused:
        self._could_go_since.clear()
        return refuse("server_overloaded", pool.full, kind=Crowded, hint=self._next_command())

    def _overloaded(self, request: Request, starting: int) -> Refused | None:
        try:
            self._resources.check(request, starting)
        except Refused as refusal:
            return refusal
        return None

    def _is_next(self, table: SlotTable, starting: int) -> bool:
        entry, now_s = self._entry, clock.monotonic_s()
        before, self._could_go_since = self._could_go_since, {}
        bearable = {(entry.agent, entry.person, entry.interactive): True}
        dead: list[QueueEntry] = []

        def is_there(other: QueueEntry) -> bool:
            since_s = before.get(_key(other), now_s)
            if now_s - since_s >= STOPPED_S:
                self._could_go_since[_key(other)] = since_s
                return False
            if self._host.is_alive(other.owner):
                return True
            dead.append(other)
            return False

        def could_start(other: QueueEntry) -> bool:
            kind = (other.agent, other.person, other.interactive)
            if kind not in bearable:
                asked = replace(
                    self._request,
                    agent=other.agent,
                    person=other.person,
                    interactive=other.interactive,
                )
                bearable[kind] = self._overloaded(asked, starting) is None
            if bearable[kind]:
                self._could_go_since[_key(other)] = before.get(_key(other), now_s)
            return bearable[kind]

        is_next = may_go(
            self._queue.look(entry),
            entry,
            free=table.free,
            is_there=is_there,
            could_start=could_start,
            now_s=now_s,
        )
        self._queue.remove(dead)
        return is_next

    def _next_command(self) -> str:
        if self._request.wait_s > 0:  # it waited, and its time was over
            return "uwf queue list"
        return f"uwf thread exec {self._request.thread} --wait 600"


def _key(entry: QueueEntry) -> tuple[str, int]:
    return entry.thread, entry.owner.pid
