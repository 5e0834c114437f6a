"""`server_overloaded`: a step needs a slot of every pool it belongs to, and a machine that can bear it.

Which pools these are is said here. What is free says `slots`, what the machine bears `resources`, how a request waits
`waiter`, and in what order those that wait go `queue`.
"""

from __future__ import annotations

from contextlib import suppress

from uwf import home as paths
from uwf.config_table import Table, count, each, key, one_of
from uwf.errors import StoreError, Superseded
from uwf.guard.capacity import queue, slots
from uwf.guard.capacity.places import Places
from uwf.guard.capacity.resources import Resources
from uwf.guard.capacity.slots import MACHINE, SHARED, THREADS, Pool
from uwf.guard.capacity.waiter import Waiter
from uwf.guard.contract import AttemptSucceeded, Guard, Release, Status, StatusLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

    from uwf.guard.contract import AttemptOutcome, Host, Request
    from uwf.store.protocols import Transaction


class Slots(Guard):
    """Gives a step its slots, at once or, with `--wait`, in the order of the queue."""

    name = "slots"

    class Rules(Table, at="limits"):
        """How many agents at once, and how long the queue may be. `per_label`: for each value of a label, and
        `threads_per_label` how many threads, from their first step until they stop.
        """

        max_running: int = key(count, 5)
        max_queue: int = key(count, 20)
        overflow: str = key(one_of(queue.OVERFLOW), queue.REFUSE)
        per_label: Mapping[str, int] = each(count)
        per_workflow: Mapping[str, int] = each(count)
        threads_per_label: Mapping[str, int] = each(count)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: Slots.Rules = host.rules(Slots.Rules)
        self._seats = host.rules(Resources.Rules).seats
        self._folder = paths.slots(host.home)
        self._places = Places(host.store, host.labels_under_way)
        self._stepped: set[str] = set()  # threads of this process whose places stay theirs

    def enter(self, request: Request) -> Release:
        rules, host = self._rules, self._host
        pools = self.pools(request)
        waiter = Waiter(
            request,
            pools,
            folder=paths.made(self._folder),
            max_running=rules.max_running,
            queue=queue.Queue(host.store, rules.max_queue, rules.overflow, host.is_alive),
            places=self._places,
            resources=Resources(host),
            host=host,
        )
        held = waiter.take()
        places = [pool for pool in pools if pool.is_of_threads]
        if not places:
            return Release(held.release, tuple(held.descriptors), has_waited=waiter.has_waited)
        self._stepped.discard(request.thread)

        def let_go() -> None:
            held.release()
            has_stepped = request.thread in self._stepped
            back = [pool for pool in places if pool.is_shared or not has_stepped]
            places.clear()
            with suppress(StoreError, Superseded):  # who does not run any more has none in any case
                self._places.give_back(back, request.thread)

        return Release(let_go, tuple(held.descriptors), has_waited=waiter.has_waited)

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        """A thread that has made a step keeps its places until it stops."""
        if isinstance(outcome, AttemptSucceeded):
            self._stepped.add(request.thread)

    def pools(self, request: Request) -> tuple[Pool, ...]:
        """The pools a step needs a slot of: the machine's, and each smaller one that is limited."""
        rules, agent, workflow = self._rules, request.agent, request.workflow
        seats = self._seats if request.interactive else 0
        found = [Pool(MACHINE, rules.max_running + seats)]
        if agent in self._host.agent_limits:
            found.append(Pool(f"agent/{agent}", self._host.agent_limits[agent]))
        if workflow in rules.per_workflow:
            found.append(Pool(f"workflow/{workflow}", rules.per_workflow[workflow]))
        for label, value in sorted(request.labels.items()):
            if label in rules.per_label:
                found.append(Pool(f"label/{label}={value}", rules.per_label[label]))
            if label in rules.threads_per_label:
                of_threads = Pool(f"{THREADS}{label}={value}", rules.threads_per_label[label])
                if request.thread not in self._places.holders(of_threads):
                    found.append(of_threads)
        if len(found) > 1 and self._host.store.is_shared:
            found += [pool for pool in map(_of_all, found) if self._is_wanted(pool, request.thread)]
        return tuple(found)

    def _is_wanted(self, pool: Pool | None, thread: str) -> TypeGuard[Pool]:
        """Whether a step of the thread needs a place of it that it has not: a run that was killed has left its own."""
        return pool is not None and thread not in self._places.holders(pool)

    def status(self) -> Status:
        folder, most = self._folder, self._rules.max_queue
        pools = [(pool, slots.count(folder, pool)) for pool in self._shown_pools()]
        if self._host.store.is_shared:
            shared = [pool for pool in map(_of_all, self._shown_pools()) if pool is not None]
            pools += [(pool, len(self._places.holders(pool))) for pool in shared]
        pools += self._places.shown(self._rules.threads_per_label)
        waiting = len(queue.threads(self._host.store, self._host.is_alive))
        lines = [StatusLine(pool.name, taken, pool.limit) for pool, taken in pools]
        lines.append(StatusLine("queue", waiting, most))
        facts = {
            "slots": [
                {"pool": pool.name, "taken": taken, "limit": pool.limit} for pool, taken in pools
            ],
            "seats": self._seats,
            "queue": {"waiting": waiting, "limit": most},
        }
        return Status(tuple(lines), facts)

    def _shown_pools(self) -> list[Pool]:
        rules, host = self._rules, self._host
        return [
            Pool(MACHINE, rules.max_running),
            *(Pool(f"agent/{name}", most) for name, most in host.agent_limits.items()),
            *(Pool(f"workflow/{name}", most) for name, most in rules.per_workflow.items()),
            *(  # of a label only the values that run: there may be any number of others
                Pool(name, most)
                for label, most in rules.per_label.items()
                for name in slots.names_taken(self._folder, f"label/{label}=")
            ),
        ]


def _of_all(pool: Pool) -> Pool | None:
    """The same limit over all machines that share the store; None where it is the machine's own."""
    is_own = pool.name == MACHINE or pool.is_of_threads
    return None if is_own else Pool(SHARED + pool.name, pool.limit)
