"""Random commands on random threads, beside a plain model of the transition table."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.conftest import CALM
from tests.engine.thread_model import Model, Pending, next_role
from tests.helpers.fake_agent import Answers, Said, crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import CHANGES, Rig, everything
from tests.helpers.ticking import Ticking
from uwf.engine.chain.nodes import previous
from uwf.errors import Interrupted, Refused, StateError
from uwf.record import replace
from uwf.store.check import verify
from uwf.store.sqlite import open_in_memory

SUPPLEMENTS = st.sampled_from([None, None, "use tabs", "no globals"])
OUTCOMES = st.sampled_from(["good", "good", "good", "good", "ask", "fail", "bad", "stop", "die"])
BAD = reply("nonsense")


class Died(BaseException):
    """The end of the process."""


class Threads(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("uwf.clock.now_ms", Ticking())
        self.patch.setattr("uwf.guard.capacity.machine.look", lambda home: CALM)
        self.home = tempfile.mkdtemp(prefix="uwf-machine-")
        self.rig = Rig(open_in_memory(home=self.home), self.home, lenient=True)
        flows = (PAIR, replace(PAIR, name="other"))
        self.workflows = [self.rig.put_workflow(flow) for flow in flows]
        self.threads: dict[str, Model] = {}
        self.id = ""

    def teardown(self) -> None:
        try:
            assert verify(self.rig.store, deep=True).problems == ()
        finally:
            self.patch.undo()
            shutil.rmtree(self.home)

    @property
    def model(self) -> Model:
        return self.threads[self.id]

    @initialize()
    def begin(self) -> None:
        self.id = self.rig.start()
        self.threads[self.id] = Model()

    @rule()
    def start(self) -> None:
        if len(self.threads) < 4:
            self.begin()

    @rule(number=st.integers(0, 3))
    def turn_to(self, number: int) -> None:
        """The next commands are for another thread."""
        self.id = sorted(self.threads)[number % len(self.threads)]

    @rule(
        verb=st.sampled_from(["exec", "resume"]),
        supplement=SUPPLEMENTS,
        outcome=OUTCOMES,
        approve=st.booleans(),
    )
    def run(self, verb: str, supplement: str | None, outcome: str, approve: bool) -> None:
        self.attempt(verb, supplement, self.model.plan(verb, supplement), outcome, approve)

    @rule(outcome=OUTCOMES, approve=st.booleans(), remark=st.sampled_from(["shorter", "kinder"]))
    def poke(self, outcome: str, approve: bool, remark: str) -> None:
        self.attempt("poke", remark, self.model.poke(remark), outcome, approve)

    def attempt(
        self,
        verb: str,
        supplement: str | None,
        plan: Pending | str,
        outcome: str,
        approve: bool,
    ) -> None:
        if isinstance(plan, str):
            with self.refused(plan):
                self.rig.run(self.id, verb, supplement=supplement)
            return
        status = "done" if plan.role == "writer" else "approved" if approve else "changes"
        if outcome == "good":
            self.step(verb, supplement, ANSWERS[status])
            self.model.succeed(plan, status)
        elif outcome == "ask":
            self.step(verb, supplement, suspend("which?"))
            self.model.succeed(plan, "$SUSPEND")
        elif outcome in ("fail", "bad"):
            answers = [crash()] if outcome == "fail" else [BAD, BAD, BAD]
            self.step(verb, supplement, *answers)
            self.model.fail(plan)
        else:
            answer = Said(ended="stopped", turns=("half",)) if outcome == "stop" else Died()
            with pytest.raises(Interrupted if outcome == "stop" else Died):
                self.step(verb, supplement, answer)
            self.rig.stop.signum = None
            self.model.stop(plan)
        env = self.rig.agent.asks[-1].env
        assert (env["UWF_ROLE"], env["UWF_ROUND"]) == (plan.role, str(plan.round))
        assert env["UWF_ATTEMPT"] == str(plan.tries + 1)
        assert ("## New information" in self.rig.prompt) == (plan.supplement is not None)

    def step(self, verb: str, supplement: str | None, *answers: Answers) -> None:
        self.rig.run(self.id, verb, *answers, supplement=supplement)

    @rule(verb=st.sampled_from(["exec", "resume", "poke"]))
    def meet_a_guard(self, verb: str) -> None:
        """Whatever the thread may do, a guard is in the way, or the thread refuses first."""
        self.rig.no_agent = True
        before = everything(self.rig.store)
        with pytest.raises((Refused, StateError)):
            self.rig.run(self.id, verb, supplement="try")
        self.rig.no_agent = False
        self.forget_what_was_settled(before)

    @rule()
    def cancel(self) -> None:
        if self.model.now.status in ("completed", "cancelled"):
            with self.refused(self.model.now.status):
                self.rig.cancel(self.id)
        else:
            self.rig.cancel(self.id)
            self.model.cancel()

    @rule()
    def undo(self) -> None:
        if self.model.undo():
            self.rig.undo(self.id)
        else:
            with self.refused("nothing_to_undo"):
                self.rig.undo(self.id)

    @precondition(lambda self: len(self.threads) < 4)
    @rule(back=st.integers(0, 3), supplement=SUPPLEMENTS)
    def fork(self, back: int, supplement: str | None) -> None:
        steps = self.rig.steps(self.id)
        length = max(0, len(steps) - back)
        start = self.rig.thread(self.id).position.start
        fork = self.rig.fork(steps[length - 1].id if length else start, self.id, supplement)
        self.threads[fork] = self.model.fork(length, supplement)

    @rule()
    def rebind(self) -> None:
        thread = self.rig.thread(self.id)
        other = self.workflows[thread.position.workflow == self.workflows[0]]
        if thread.status == "cancelled":
            with self.refused("cancelled"):
                self.rig.rebind(thread.id, other)
        else:
            self.rig.settle(self.id)
            self.rig.rebind(self.id, other)
            self.model.rebind()

    @contextmanager
    def refused(self, code: str) -> Iterator[None]:
        """Inside, a command is refused with `code` and changes nothing."""
        before, asks = everything(self.rig.store), len(self.rig.agent.asks)
        with pytest.raises(StateError) as refused:
            yield
        assert refused.value.code == code
        assert len(self.rig.agent.asks) == asks
        self.forget_what_was_settled(before)

    def forget_what_was_settled(self, before: dict[str, object]) -> None:
        """A refused command may have settled what a dead run had left, and nothing else."""
        after = everything(self.rig.store)
        changed = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        assert changed <= {f"@uwf/attempt/{self.id}"}

    @invariant()
    def tags_are_those_of_the_state(self) -> None:
        for id, model in self.threads.items():
            now, tags = model.now, self.rig.state(id)
            legal = {"idle": set(), "suspended": {"suspendedRole", "suspendMessage"}}
            assert tags.keys() == {"status"} | legal.get(now.status, {"completedAt"})
            assert tags["status"] == now.status
            assert tags.get("suspendedRole") == now.suspended

    @invariant()
    def chain_is_that_of_the_model(self) -> None:
        for id, model in self.threads.items():
            steps = self.rig.steps(id)
            assert [(step.role, step.status, step.round, step.supplement) for step in steps] == [
                (step.role, step.status, step.round, step.supplement) for step in model.now.steps
            ]
            assert [step.index for step in steps] == list(range(1, len(steps) + 1))
            at: str | None = self.rig.head(id)
            last = at
            while at is not None:
                last, at = at, previous(self.rig.store, at)
            assert last == self.rig.thread(id).position.start

    @invariant()
    def what_is_shown_is_what_comes_next(self) -> None:
        for id, model in self.threads.items():
            now, row = model.now, self.rig.row(id)
            ended = now.status in ("completed", "cancelled")
            role = now.pending.role if now.pending else now.suspended or next_role(now.steps)
            assert row["currentRole"] == (None if ended else role)
            assert row["status"] == now.status
            assert row["steps"] == len(now.steps)
            plan = self.rig.thread(id).plan
            assert (plan and plan.supplement) == (now.pending and now.pending.supplement)


ANSWERS = {
    "done": reply("done", "Written.", file="a.py"),
    "changes": CHANGES,
    "approved": reply("approved"),
}

TestThreads = Threads.TestCase
TestThreads.settings = settings(max_examples=40, stateful_step_count=30)
