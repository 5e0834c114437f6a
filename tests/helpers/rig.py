"""The engine with a fake agent, driven by a test as the command line drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.fake_agent import Answers, FakeAgent, Said, reply
from tests.helpers.flows import PAIR
from uwf import config
from uwf.agent.stop import Stop
from uwf.config.records import AgentConfig, PromptConfig
from uwf.engine.actions import fork, lifecycle, undo
from uwf.engine.chain import thread as threads
from uwf.engine.chain import told
from uwf.engine.chain.attempt import AttemptStart, Failure, put_start
from uwf.engine.chain.cache import NodeCache
from uwf.engine.chain.nodes import Step
from uwf.engine.chain.redact import Redactor
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import ATTEMPTS, THREADS
from uwf.engine.chain.thread import Thread
from uwf.engine.query.steps import steps
from uwf.engine.query.threads import ThreadViews
from uwf.engine.run import lock, runner
from uwf.engine.run.admission import Admission
from uwf.engine.run.context import RunContext
from uwf.engine.run.order import Order
from uwf.engine.run.planning import rebind as rebinding
from uwf.engine.run.recovery import intake, recovery
from uwf.engine.upkeep.health import table
from uwf.engine.upkeep.health.check import Finding, Ground
from uwf.errors import Interrupted, PersonNeeded
from uwf.jsontext import document
from uwf.record import Record, replace
from uwf.store.protocols import Store
from uwf.store.values import Ref
from uwf.workflow import model
from uwf.workflow.model import Role, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import AgentEvent
    from uwf.engine.progress import Progress, StepResult

WROTE = reply("done", "I wrote it.", file="a.py")
CHANGES = reply("changes", "Not yet.", remarks="too long")
APPROVED = reply("approved", "All is fine.")

STATE_TAGS = (
    *("status", "suspendedRole", "suspendMessage", "completedAt"),
    *("wakeAt", "wakeWhy", "wokenFor"),
)


class Result(Record):
    """What a test asks of a result, whatever its type: what that type does not have is None."""

    event: StepResult
    thread: Thread
    role: str | None
    step: str | None
    failure: Failure | None
    attempt: str | None


def seen(result: StepResult) -> Result:
    fields = ("role", "step", "failure", "attempt")
    return Result(result, result.thread, *(getattr(result, name, None) for name in fields))


class Rig:
    """An engine over `store`, whose agent says what a test tells it."""

    def __init__(
        self,
        store: Store,
        home: str,
        *,
        redactor: Redactor | None = None,
        max_steps: int = 100,
        max_same: int | None = 5,
        history_chars: int = 32_000,
        agents: dict[str, AgentConfig] | None = None,
        lenient: bool = False,
    ) -> None:
        """`lenient`: neither failures nor what is said again ever end the matter."""
        plain = config.defaults()
        self.agent = FakeAgent()
        self.events: list[Progress] = []
        self.stop = Stop()
        self.no_agent = False
        settings = replace(
            plain,
            agents=agents or {},
            limits=replace(
                plain.limits,
                max_steps=max_steps,
                max_same=None if lenient else max_same,
                grace_s=0.5,
            ),
            prompt=PromptConfig(history_chars=history_chars),
            retry=replace(plain.retry, base_s=0.001),
        )
        if lenient:
            rules = {
                "limits": {"max_attempts": 10**6, "max_repeats": 10**6},
                "breaker": {"threshold": 10**6},
                "stats": {"min_sample": 10**6},
            }
            settings = replace(settings, settings=rules)
        self.engine = RunContext(
            store=store,
            cache=NodeCache(store, redactor),
            admission=Admission(store, home, settings, "/bin"),
            home=home,
            config=settings,
            environ={"PATH": "/bin"},
            redactor=redactor or Redactor(),
            agent_for=self._agent_for,
            on_progress=self.events.append,
        )

    @property
    def store(self) -> Store:
        return self.engine.store

    def _agent_for(self, workflow: str, role: Role, override: str | None) -> FakeAgent:
        if self.no_agent:
            raise PersonNeeded(f"no agent is configured to run role {role.name}", reason="no_agent")
        return self.agent

    # What the commands do.

    def start(self, workflow: Workflow = PAIR, task: str = "Write a parser.", **begin: Any) -> str:
        """A new thread; returns its id."""
        fields = {"cwd": self.engine.home, "labels": {}, **begin}
        return lifecycle.start(self.store, lifecycle.Begin(workflow, task, **fields)).id

    def run(self, id: str, verb: str, *answers: Answers, **order: Any) -> list[Result]:
        """Run a command on a thread to its end; the agent says `answers`, and all of them."""
        self.engine = replace(
            self.engine, cache=NodeCache(self.store, self.engine.redactor)
        )  # each command is a process
        self.agent.will_say(*answers)
        try:
            results = [
                seen(result)
                for result in runner.run(self.engine, id, Order(verb, **order), self.stop)
            ]
        finally:
            self.stop.close()
        assert self.agent.waiting == 0, "the agent was asked less often than the test thought"
        return results

    def exec(self, id: str, *answers: Answers, **order: Any) -> Result:
        """`thread exec`, for as many steps as `answers` are valid replies; the last result."""
        return self.run(id, "exec", *answers, **{"count": max(len(answers), 1), **order})[-1]

    def resume(self, id: str, *answers: Answers, **order: Any) -> Result:
        return self.run(id, "resume", *answers, **{"count": max(len(answers), 1), **order})[-1]

    def poke(self, id: str, remark: str, *answers: Answers) -> Result:
        return self.run(id, "poke", *answers, supplement=remark)[-1]

    def stopped(
        self, id: str, verb: str = "exec", says: tuple[AgentEvent, ...] = (), **order: Any
    ) -> None:
        """A run that a person stops after the agent has said something."""
        with pytest.raises(Interrupted):
            self.run(id, verb, Said(ended="stopped", turns=("half a",), events=says), **order)
        self.stop.signum = None

    def cancel(self, id: str, reason: str | None = None) -> None:
        with lock.hold(self.engine, id):
            intake.recover(self.engine, id)
            lifecycle.cancel(self.store, self.thread(id), reason)

    def undo(self, id: str) -> None:
        with lock.hold(self.engine, id):
            intake.recover(self.engine, id)
            undo.undo(self.store, self.thread(id))

    def fork(
        self,
        node: str,
        source: str | None = None,
        supplement: str | None = None,
        cwd: str | None = None,
    ) -> str:
        return fork.fork(self.store, node, source, supplement, cwd).id

    def rebind(self, id: str, workflow: str) -> None:
        """Another workflow for a thread without a step: as uwf 0.1.0 wrote it before one, and could be killed then."""
        thread = self.thread(id)
        there, change = rebinding.bound(NodeCache(self.store), thread, workflow)
        if change is None:
            return
        with self.store.transaction("rebind") as tx:
            head = tx.put_raw(change.data)
            tags = {**thread.tags, "workflow": change.name}
            tx.set_ref(THREADS + id, head, expect=thread.head, tags=tags, why="rebound")
            attempt = there.attempt
            if attempt is not None:
                start = AttemptStart(id, attempt.plan, attempt.number, "", "", attempt.last_end)
                tx.set_ref(
                    ATTEMPTS + id, put_start(tx, start, None, attempt.began_ms, None), why="rebound"
                )
            elif tx.ref(ATTEMPTS + id) is not None:
                tx.delete_ref(ATTEMPTS + id, why="it was about an older head")

    def doctor(
        self, *only: str, repair: bool = False, log: Callable[..., None] = lambda *_, **__: None
    ) -> list[Finding]:
        """What `uwf doctor` finds."""
        ground = Ground(
            self.engine.home,
            self.engine.store,
            lambda: self.engine,
            lambda: self.engine.config,
            {},
            log,
            repair,
        )
        return table.examine(ground, table.named(only), repair=repair)

    def put_workflow(self, workflow: Workflow) -> str:
        with self.store.transaction("test") as tx:
            return tx.put("workflow", model.to_payload(workflow))

    # What a test looks at.

    def waiting(self, id: str) -> list[str]:
        """What waits to be told to a thread, oldest first."""
        return [word.text for word in told.waiting(self.store, id)]

    def thread(self, id: str) -> Thread:
        return threads.current(self.engine.store, self.engine.cache, id)

    def ref(self, id: str) -> Ref:
        found = self.store.ref(THREADS + id)
        assert found is not None
        return found

    def attempt(self, id: str) -> Ref | None:
        return self.store.ref(ATTEMPTS + id)

    def head(self, id: str) -> str:
        return self.ref(id).id

    def state(self, id: str) -> dict[str, str]:
        """The tags that speak of a thread's state."""
        return {key: tag for key, tag in self.ref(id).tags.items() if key in STATE_TAGS}

    def steps(self, id: str) -> list[Step]:
        """The steps of a thread, oldest first."""
        return list(steps_back(self.store, self.head(id)))[::-1]

    def failed_attempts(self, id: str) -> list[dict[str, Any]]:
        """The attempts that the head step is linked to, as `step show` has them."""
        found: list[dict[str, Any]] = self.step(self.head(id))["failedAttempts"]
        return found

    def row(self, id: str) -> dict[str, Any]:
        """What `thread show` answers."""
        shown: dict[str, Any] = document(self.views.thread(self.ref(id)))
        return shown

    def step(self, id: str) -> dict[str, Any]:
        """What `step show` answers."""
        shown: dict[str, Any] = document(steps.page(self.store, id))
        return shown

    def step_rows(self, head: str) -> list[dict[str, Any]]:
        """What `step list` answers."""
        shown: list[dict[str, Any]] = document(steps.rows(self.store, head))
        return shown

    @property
    def views(self) -> ThreadViews:
        return ThreadViews(self.store)

    @property
    def prompt(self) -> str:
        """What the agent was asked last."""
        return self.agent.asks[-1].prompt

    def settle(self, id: str) -> recovery.Settled | None:
        with lock.hold(self.engine, id):
            return recovery.settle(self.store, id, grace_s=0.5)


def everything(store: Store) -> dict[str, Any]:
    """All refs as they are: what a command that changes nothing leaves equal."""
    return {ref.name: ref for ref in store.refs()}
