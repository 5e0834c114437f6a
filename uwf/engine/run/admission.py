"""May this step run now, and what did it teach? Between the stepper and the guards.

`Dispatch.admitted` asks the guards in the order of their reason codes and holds what they give for as long as the
agent runs. `success` and `failure` tell them how it went, in the transaction that publishes the step or keeps
the attempt, so that what the guards know and what the chain says never differ.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from uwf import clock, points
from uwf import home as paths
from uwf.agent.process import platform
from uwf.engine.chain import usage as spending
from uwf.engine.run import recovery
from uwf.engine.run.invocation import check_folder
from uwf.errors import Busy
from uwf.guard import (
    attempts,
    breaker,
    budget,
    chain,
    circuit,
    machine,
    resources,
    success_rate,
)
from uwf.guard import pause as switch
from uwf.guard.contract import Request, refuse
from uwf.guard.slot_guard import Limits, Turn
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from uwf.agent.protocol import Agent, AgentFailure
    from uwf.config import Config
    from uwf.engine.chain.attempt import Failure
    from uwf.engine.chain.thread import Thread
    from uwf.engine.run.publish import Tell
    from uwf.errors import Refused
    from uwf.guard.contract import Guard
    from uwf.store.protocols import Store, Transaction
    from uwf.workflow.model import Workflow


NOTE = " — "
"""Between what happened and what it means for the next try, in the message of a failure."""


class Dispatch:
    """The guards of one home, as one process meets them."""

    def __init__(self, store: Store, home: str, config: Config, path: str) -> None:
        """`path` is where programs are looked for."""
        self._store = store
        self._home = home
        self._path = path
        self._grace_s = config.limits.grace_s
        self._rules = Rules(config)
        self._started = platform.start_time(os.getpid())
        self._circuit = circuit.Circuit(
            store, self._rules.breaker, started=self._started, is_alive=platform.is_same
        )

    @contextmanager
    def admitted(
        self,
        request: Request,
        agent: Agent,
        sleep: Callable[[float], None],
        on_wait: Callable[[Refused], None],
    ) -> Iterator[tuple[int, ...]]:
        """Hold what the guards give; its descriptors are for the agent to inherit. Raises `Refused`.

        `sleep` waits in the line, and raises when the run is asked to stop; `on_wait` is told that this begins.
        """
        turn = Turn(
            self._store,
            paths.made(paths.slots(self._home)),
            self._rules.limits,
            check_machine=self._check_machine,
            clear=self._clear,
            sleep=sleep,
            started=self._started,
            is_alive=platform.is_same,
            on_wait=on_wait,
        )
        with chain.entered([*self._askable(agent), turn], request):
            held = turn.held
            points.at("guards: passed")
            yield () if held is None else tuple(held.descriptors)

    def ask(self, request: Request, agent: Agent) -> None:
        """Raise what stands before the lock of the thread in the order of refusals, if anything does."""
        with chain.entered(self._askable(agent), request):
            return

    def _askable(self, agent: Agent) -> list[Guard]:
        """The guards, in the order of their reason codes, up to the lock of the thread."""
        store, rules = self._store, self._rules
        return [
            switch.Draining(store),
            switch.Paused(store),
            budget.Budget(store, rules.budget),
            switch.AgentPaused(store),
            self._circuit,
            success_rate.Success(store, rules.stats),
            attempts.Attempts(rules.attempts),
            _Preflight(),
            _NoAgent(agent, self._path),
        ]

    def _check_machine(self, request: Request, starting: int) -> None:
        rules = self._rules.resources
        expected = resources.expected(self._store, rules, request.agent)
        resources.check(rules, request, machine.look(self._home), expected, starting)

    def _clear(self, thread: str) -> bool:
        """End what a dead uwf left of `thread`, if nobody runs it. Whether there was anything."""
        try:
            found = recovery.settle_if_left(self._store, self._home, thread, grace_s=self._grace_s)
        except Busy:
            return False
        return found is not None and not found.survivors

    def refused(self, refusal: Refused | Busy) -> None:
        """A command ends in `refusal`: count it, if that can be done at once."""
        from uwf.guard import refusals  # rarely needed: after a refusal only

        refusals.note(self._store, self._rules.stats, refusal)

    def budget(self, thread: Thread, workflow: Workflow, role: str) -> dict[str, float]:
        """What `thread` may use while `role` runs."""
        return spending.allowed(self._rules.budget.thread, workflow, role, thread.tags)

    def reached(
        self, limits: Mapping[str, float], spent: Mapping[str, float], visits: int
    ) -> str | None:
        """Why no other step may begin, in words; None while there is enough left."""
        return budget.reached(self._rules.budget, limits, spent, visits)

    def step_reached(self, used: Mapping[str, float]) -> str | None:
        """What a step used beyond what one may, in words."""
        return budget.step_reached(self._rules.budget, used)

    def longest_s(self, request: Request) -> float | None:
        """How long the step may run, by what its budget leaves; None when nothing limits it."""
        return budget.remaining_time_s(self._rules.budget, request)

    def repeats(self, thread: str, failure: Failure | None) -> int:
        """How often in its life `thread` failed as it did last."""
        if failure is None:
            return 0
        return attempts.repeats(self._store, thread, _signature(failure.code, failure.message))

    def retry_delay_s(self, failing: AgentFailure, retries: int) -> float | None:
        """How long to wait before the step is tried again; None when a person should look first."""
        from uwf.engine.run import retry  # rarely needed: after a failure only

        rules = retry.Rules(**self._rules.retry.__dict__)
        if failing.is_hopeless or not retry.worth(rules, failing.failure_class, retries + 1):
            return None
        from random import random

        return retry.delay_s(rules, retries + 1, random)

    def in_words(self, request: Request, failing: AgentFailure, message: str) -> str:
        """What a person reads of a failure: what happened, and what that means for the next try."""
        notes = []
        if failing.resets_ms is not None:
            notes.append(f"its limit resets at {clock.iso(failing.resets_ms)}")
        known = _signature(failing.failure_class, message)
        times = attempts.repeats(self._store, request.thread, known) + 1
        if times >= self._rules.attempts.max_repeats:
            notes.append(f"the same failure {counted(times, 'time')} in this thread")
        return message + (NOTE + "; ".join(notes) if notes else "")

    def success(self, request: Request, usage: dict[str, Any], ms: int, peak_bytes: int) -> Tell:
        """What the guards learn from a step, to be written with it."""

        def tell(tx: Transaction) -> None:
            breaker.tell_success(tx, request.agent)
            success_rate.tell(tx, self._rules.stats, request.agent, request.workflow, None, ms)
            resources.tell(tx, request.agent, peak_bytes)
            budget.tell(tx, usage, seconds=ms / 1000)

        return tell

    def spent(self, usage: dict[str, Any], ms: int) -> Tell:
        """What the guards learn from an attempt that ended for lack of budget, to be written with it."""
        return lambda tx: budget.tell(tx, usage, steps=0, seconds=ms / 1000)

    def failure(
        self,
        request: Request,
        failing: AgentFailure,
        cause: str,
        usage: dict[str, Any],
        ms: int,
        peak_bytes: int,
        *,
        is_retried: bool,
    ) -> Tell:
        """What the guards learn from a failed attempt, to be written with it. One that is tried again by itself is no
        failure of its thread yet.
        """
        kind = failing.failure_class

        def tell(tx: Transaction) -> None:
            rules = self._rules
            breaker.tell_failure(tx, rules.breaker, request.agent, kind, request.thread, cause)
            success_rate.tell(tx, rules.stats, request.agent, request.workflow, kind, ms)
            resources.tell(tx, request.agent, peak_bytes)
            budget.tell(tx, usage, steps=0, seconds=ms / 1000)
            if not is_retried:
                attempts.tell_failure(tx, request.thread, _signature(kind, cause))
            if failing.resets_ms is not None:
                switch.pause_agent(tx, request.agent, until_ms=failing.resets_ms, why=cause)

        return tell


class Rules:
    """The config, in the guards' own words."""

    def __init__(self, config: Config) -> None:
        limits = config.limits
        self.limits = Limits(
            per_agent={name: agent.max_running for name, agent in config.agents.items()},
            per_workflow=dict(limits.per_workflow),
            per_label=dict(limits.per_label),
            max_running=limits.max_running,
            max_queue=limits.max_queue,
            overflow=limits.overflow,
        )
        self.breaker = breaker.Rules(**config.breaker.__dict__)
        self.stats = success_rate.Rules(**config.stats.__dict__)
        self.budget = budget.Rules(**config.budget.__dict__)
        self.retry = config.retry
        self.attempts = attempts.Rules(limits.max_attempts, limits.max_repeats)
        self.resources = resources.Rules(
            expected_bytes=limits.min_memory_bytes,
            reserve_cpus=limits.reserve_cpus,
            disk_floor_bytes=limits.disk_floor_bytes,
            seats=limits.seats,
        )


def _signature(failure_class: str, message: str) -> str:
    """What failures are known again by, from what happened alone."""
    return attempts.signature(failure_class, message.partition(NOTE)[0])


class _Preflight:
    """`preflight_failed`: what the step needs beside its agent. That its workflow is readable and its prompt
    renders was seen when the step was decided.
    """

    name = "preflight"

    def enter(self, request: Request) -> None:
        check_folder(request.cwd, request.thread)


class _NoAgent:
    """`no_agent`: the agent cannot be started."""

    name = "agent"

    def __init__(self, agent: Agent, path: str) -> None:
        self._agent = agent
        self._path = path

    def enter(self, request: Request) -> None:
        reason = self._agent.unavailable(request.cwd, self._path)
        if reason is not None:
            import shlex

            raise refuse(
                "no_agent",
                f"agent {request.agent} cannot run: {reason}",
                hint=shlex.join(("uwf", "agent", "check", request.agent)),
            )
