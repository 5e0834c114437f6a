"""May this step run now, and what did it teach? Between the runner and the guards.

`Admission.admit` asks the guards in the order of their reason codes and holds what they give for as long as the
agent runs. The `Ticket` it gives tells them how the attempt ended, in the transaction that publishes it, so that what
the guards know and what the chain says never differ.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from uwf import points
from uwf.agent.process import platform
from uwf.engine.chain import kept
from uwf.engine.chain.tags import IDLE, STATUS, THREADS, labels_of
from uwf.engine.chain.thread import is_alive
from uwf.guard import chain
from uwf.guard.attempts import Attempts
from uwf.guard.contract import Host
from uwf.guard.refusals import note_refusal
from uwf.guard.spending.budget import Budget
from uwf.guard.success_rate import SuccessRate
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from uwf.agent.protocol import Agent
    from uwf.config.records import Config
    from uwf.errors import Busy, Refused
    from uwf.guard.contract import AttemptOutcome, Guard, Request
    from uwf.store.protocols import Store, Transaction


class Ticket:
    """The admission of one attempt. `descriptors` are for its agent to inherit: its slots are held by them."""

    def __init__(
        self, guards: Sequence[Guard], request: Request, descriptors: tuple[int, ...]
    ) -> None:
        self._guards = guards
        self.request = request
        self.descriptors = descriptors

    def ended(self, tx: Transaction, outcome: AttemptOutcome) -> None:
        """All guards learn how the attempt ended, in the transaction that publishes it."""
        for guard in self._guards:
            guard.ended(tx, self.request, outcome)


class Admission:
    """The guards of one home, as one process meets them. `budget` and `attempts` are asked by a running step, too."""

    def __init__(
        self,
        store: Store,
        home: str,
        config: Config,
        path: str,
        zone: str | None = None,
        clear: Callable[[str], bool] = lambda thread: False,
    ) -> None:
        """`path` is where programs are looked for, `zone` the name of this process's time zone. `clear` ends what a
        dead process left of a thread, and says whether there was anything.
        """
        self._store = store
        self._home = home
        self._path = path
        host = Host(
            store=store,
            home=home,
            rules=config.rules,
            owner=replace(platform.this_process(), host=store.leases.host),
            is_alive=lambda owner: is_alive(store, owner),
            agent_limits=config.agent_limits(),
            clear=clear,
            zone=zone,
            labels_under_way=self._labels_under_way,
            kept=lambda: kept.cost_of_all(home),
        )
        self.guards = chain.of(host)
        self.budget = Budget(host)
        self.attempts = Attempts(host)
        self._window = config.rules(SuccessRate.Rules)

    @contextmanager
    def admit(
        self,
        request: Request,
        agent: Agent,
        sleep: Callable[[float], None],
        on_wait: Callable[[Refused], None],
    ) -> Iterator[Ticket]:
        """Hold what the guards give. Raises `Refused`.

        `sleep` waits in the queue, and raises when the run is asked to stop; `on_wait` is told that this begins.
        """
        cwd = request.cwd
        if request.worktree is not None and not os.path.isdir(request.worktree):
            cwd = self._home  # where its agent will work is made once no guard refuses
        request = replace(
            request,
            unavailable=lambda: agent.unavailable(cwd, self._path),
            sleep=sleep,
            on_wait=on_wait,
        )
        with chain.entered(self.guards, request) as descriptors:
            points.at("guards: passed")
            yield Ticket(self.guards, request, descriptors)

    def refused(self, refusal: Refused | Busy) -> None:
        """A command ends in `refusal`: count it, if that can be done at once."""
        note_refusal(self._store, self._window, refusal)

    def _labels_under_way(self, thread: str) -> dict[str, str] | None:
        """The labels of a thread that runs, or stands between two of its steps."""
        ref = self._store.ref(THREADS + thread)
        if ref is None:
            return None
        if self._store.leases.holder(thread) is None and (
            ref.tags.get(STATUS) != IDLE or self._store.get(ref.id).kind == "start"
        ):
            return None
        return labels_of(ref.tags)
