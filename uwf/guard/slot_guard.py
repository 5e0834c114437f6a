"""`server_overloaded`: a step needs a slot of every pool it belongs to, and a machine that can bear it.

Which pools these are is said here. What is free says `slots`, what the machine bears `resources`, how a request waits
`waiter`, and in what order those that wait go `queue`.
"""

from __future__ import annotations

from uwf import home as paths
from uwf.config_table import Table, count, each, key, one_of
from uwf.guard import queue, slots
from uwf.guard.contract import Guard, Release, Status, StatusLine
from uwf.guard.resources import Resources
from uwf.guard.slots import MACHINE, Pool
from uwf.guard.waiter import Waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.guard.contract import Host, Request


class Slots(Guard):
    """Gives a step its slots, at once or, with `--wait`, in the order of the queue."""

    name = "slots"

    class Rules(Table, at="limits"):
        """How many agents at once, and how long the queue may be. `per_label`: for each value of a label."""

        max_running: int = key(count, 5)
        max_queue: int = key(count, 20)
        overflow: str = key(one_of(queue.OVERFLOW), queue.REFUSE)
        per_label: Mapping[str, int] = each(count)
        per_workflow: Mapping[str, int] = each(count)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._rules: Slots.Rules = host.rules(Slots.Rules)
        self._folder = paths.slots(host.home)

    def enter(self, request: Request) -> Release:
        rules, host = self._rules, self._host
        waiter = Waiter(
            request,
            self.pools(request),
            folder=paths.made(self._folder),
            max_running=rules.max_running,
            queue=queue.Queue(host.store, rules.max_queue, rules.overflow, host.is_alive),
            resources=Resources(host),
            host=host,
        )
        held = waiter.take()
        return Release(held.release, tuple(held.descriptors), has_waited=waiter.has_waited)

    def pools(self, request: Request) -> tuple[Pool, ...]:
        """The pools a step needs a slot of: the machine's, and each smaller one that is limited."""
        rules, agent, workflow = self._rules, request.agent, request.workflow
        found = [Pool(MACHINE, rules.max_running)]
        if agent in self._host.agent_limits:
            found.append(Pool(f"agent/{agent}", self._host.agent_limits[agent]))
        if workflow in rules.per_workflow:
            found.append(Pool(f"workflow/{workflow}", rules.per_workflow[workflow]))
        for label, value in sorted(request.labels.items()):
            if label in rules.per_label:
                found.append(Pool(f"label/{label}={value}", rules.per_label[label]))
        return tuple(found)

    def status(self) -> Status:
        folder, most = self._folder, self._rules.max_queue
        pools = [(pool, slots.count(folder, pool)) for pool in self._shown_pools()]
        waiting = len(queue.threads(self._host.store, self._host.is_alive))
        lines = [
            StatusLine(pool.name, f"{taken} of {pool.limit}", taken / max(1, pool.limit))
            for pool, taken in pools
        ]
        lines.append(StatusLine("queue", f"{waiting} of {most}", waiting / max(1, most)))
        facts = {
            "slots": [
                {"pool": pool.name, "taken": taken, "limit": pool.limit} for pool, taken in pools
            ],
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
