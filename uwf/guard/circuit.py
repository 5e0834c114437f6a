"""`circuit_open`: an agent that kept failing is left alone for a while, then tried by exactly one step.

The breakers themselves, and what opens and closes them, are in `breaker`.
"""

from __future__ import annotations

import os

from uwf import clock
from uwf.guard import breaker as breakers
from uwf.guard.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, Rules
from uwf.guard.contract import refuse
from uwf.quantities import counted
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.guard.contract import Release, Request
    from uwf.store.protocols import Store


class Circuit:
    """The guard: refuses while a breaker of the agent is open, and lets one probe through when it half-opens."""

    name = "breaker"

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        started: str | None,
        is_alive: Callable[[int, str], bool],
    ) -> None:
        """`started` is the start time of this process; `is_alive(pid, started)` knows a living holder of a probe."""
        self._store = store
        self._rules = rules
        self._started = started or ""
        self._is_alive = is_alive

    def enter(self, request: Request) -> Release | None:
        if all(
            breaker.state == CLOSED for breaker in breakers.of_agent(self._store, request.agent)
        ):
            return None
        with self._store.transaction(durable=False) as tx:
            tripped = [b for b in breakers.of_agent(tx, request.agent) if b.state != CLOSED]
            for breaker in tripped:
                self._check(breaker)
            for breaker in tripped:
                breakers.write(
                    tx,
                    replace(
                        breaker,
                        state=HALF_OPEN,
                        probe_thread=request.thread,
                        probe_pid=os.getpid(),
                        probe_started=self._started,
                    ),
                )
        return _Probe(self._store, request.agent, (request.thread, os.getpid(), self._started))

    def _check(self, breaker: Breaker) -> None:
        cooldown_ms = round(self._rules.cooldown_s * 1000)
        opened_ms = breaker.opened_ms or 0
        # A clock that jumped back must neither end the pause at once nor prolong it for ever.
        if breaker.state == OPEN and abs(clock.now_ms() - opened_ms) < cooldown_ms:
            import shlex

            raise refuse(
                "circuit_open",
                f"agent {breaker.agent} failed {counted(breaker.failures, 'time')} in a row ({breaker.cause}); "
                "it is left alone for a while",
                retry_at_ms=opened_ms + cooldown_ms,
                hint=shlex.join(("uwf", "guard", "reset", breaker.name)),
            )
        thread, pid, started = breaker.probe
        if pid is not None and self._is_alive(pid, started or ""):
            raise refuse(
                "circuit_open",
                f"agent {breaker.agent} failed {counted(breaker.failures, 'time')} in a row; thread {thread} "
                f"tries it now in process {pid}, and its success lets others through",
                hint="uwf guard status",
            )


class _Probe:
    """The release of a probe: one that came to no verdict leaves its place to the next."""

    def __init__(self, store: Store, agent: str, probe: tuple[str, int, str]) -> None:
        self._store, self._agent, self._probe = store, agent, probe
        self._is_held = True

    def __call__(self) -> None:
        if not self._is_held:
            return
        with self._store.transaction(durable=False) as tx:
            for breaker in breakers.of_agent(tx, self._agent):
                if breaker.probe == self._probe:
                    breakers.write(tx, breakers.without_probe(breaker))
        self._is_held = False
