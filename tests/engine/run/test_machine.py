"""Random commands on random threads, beside a plain model of the transition table."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.conftest import CALM
from tests.engine.thread_model import Model, Pending, Said, Words, next_role
from tests.helpers import fake_agent
from tests.helpers.fake_agent import Answers, crash, reply, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import CHANGES, Rig, everything
from tests.helpers.ticking import Ticking
from uwf import clock, record
from uwf.engine.actions.tell import tell
from uwf.engine.chain import told
from uwf.engine.chain.nodes import previous
from uwf.engine.chain.word import Word, of_person
from uwf.errors import Interrupted, Refused, StateError
from uwf.store.sqlite import open_in_memory
from uwf.store.whole.check import verify

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
        flows = (PAIR, record.replace(PAIR, name="other"))
        self.workflows = [self.rig.put_workflow(flow) for flow in flows]
        self.threads: dict[str, Model] = {}
        self.said: dict[str, Counter[str]] = {}
        """Each text that was ever said in the history of a thread, and how often."""
        self.number = 0
        self.id = ""

    def teardown(self) -> None:
        try:
            assert verify(self.rig.store, deep=True).problems == ()
        finally:
            self.patch.undo()
            shutil.rmtree(self.home)

    def next_number(self) -> int:
        self.number += 1
        return self.number

    @property
    def model(self) -> Model:
        return self.threads[self.id]

    @initialize()
    def begin(self) -> None:
        self.id = self.rig.start()
        self.threads[self.id] = Model()
        self.said[self.id] = Counter()

    @rule()
    def start(self) -> None:
        if len(self.threads) < 4:
            self.begin()

    @rule(number=st.integers(0, 3))
    def turn_to(self, number: int) -> None:
        """The next commands are for another thread."""
        self.id = sorted(self.threads)[number % len(self.threads)]

    @rule()
    def tell(self) -> None:
        """Something is said to the thread, whatever it is in the middle of."""
        number = self.next_number()
        text = f"<word {number}>"
        if self.model.tell(Said(number, text)):
            tell(self.rig.store, self.id, of_person(text, clock.now_ms()))
            self.said[self.id][text] += 1
        else:
            with self.refused("cancelled"):
                tell(self.rig.store, self.id, of_person(text, clock.now_ms()))

    @rule(
        verb=st.sampled_from(["exec", "resume"]),
        supplement=SUPPLEMENTS,
        outcome=OUTCOMES,
        approve=st.booleans(),
        meanwhile=st.booleans(),
    )
    def run(
        self, verb: str, supplement: str | None, outcome: str, approve: bool, meanwhile: bool
    ) -> None:
        said = self.model.said(verb, supplement, self.next_number())
        plan = self.model.plan(verb, supplement, said)
        self.attempt(verb, supplement, plan, said, outcome, approve, meanwhile)

    @rule(
        outcome=OUTCOMES,
        approve=st.booleans(),
        remark=st.sampled_from(["shorter", "kinder"]),
        meanwhile=st.booleans(),
    )
    def poke(self, outcome: str, approve: bool, remark: str, meanwhile: bool) -> None:
        plan = self.model.poke(remark)
        self.attempt("poke", remark, plan, (), outcome, approve, meanwhile)

    def attempt(
        self,
        verb: str,
        supplement: str | None,
        plan: Pending | str,
        said: Words,
        outcome: str,
        approve: bool,
        meanwhile: bool,
    ) -> None:
        if isinstance(plan, str):
            with self.refused(plan):
                self.rig.run(self.id, verb, supplement=supplement)
            return
        plan = replace(plan, began=self.next_number())
        for word in said:
            self.model.tell(word)
            self.said[self.id][word.text] += 1
        status = "done" if plan.role == "writer" else "approved" if approve else "changes"

        def step(*answers: Answers) -> None:
            first = answers[0]
            if meanwhile:

                def say(_: object) -> Answers:
                    self.tell()
                    return first

                answers = (say, *answers[1:])
            self.rig.run(self.id, verb, *answers, supplement=supplement)

        if outcome == "good":
            step(ANSWERS[status])
            self.model.succeed(plan, status)
        elif outcome == "ask":
            step(suspend("which?"))
            self.model.succeed(plan, "$SUSPEND")
        elif outcome in ("fail", "bad"):
            step(*([crash()] if outcome == "fail" else [BAD, BAD, BAD]))
            self.model.fail(plan)
        else:
            stopped = fake_agent.Said(ended="stopped", turns=("half",))
            with pytest.raises(Interrupted if outcome == "stop" else Died):
                step(stopped if outcome == "stop" else Died())
            self.rig.stop.signum = None
            self.model.stop(plan)
        env = self.rig.agent.asks[-1].env
        assert (env["UWF_ROLE"], env["UWF_ROUND"]) == (plan.role, str(plan.round))
        assert env["UWF_ATTEMPT"] == str(plan.tries + 1)
        self.check_news(plan)

    def check_news(self, plan: Pending) -> None:
        """What is new stands in the prompt, each word once."""
        prompt = self.rig.agent.asks[-1].prompt
        news = prompt.partition("## New information")[2]
        assert bool(news) == bool(plan.told or plan.remark)
        for text, count in Counter(word.text for word in plan.told).items():
            assert news.count(f"Z\n\n{text}\n\n#") == count

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
        pending = self.model.now.pending
        remark = None if pending is None else pending.remark
        depth = len(self.model.heads)
        if self.model.undo():
            self.rig.undo(self.id)
            if remark is not None and len(self.model.heads) < depth:
                self.said[self.id][remark] += 1  # from now on it is said to whoever is next
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
        said = () if supplement is None else (Said(self.next_number(), supplement),)
        model = self.threads[fork] = self.model.fork(length, said)
        line = [word for step in model.now.steps for word in step.told]
        self.said[fork] = Counter(word.text for word in (*line, *model.waiting))

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
            assert [
                (step.role, step.status, step.round, texts(step.told), step.remark)
                for step in steps
            ] == [
                (step.role, step.status, step.round, [word.text for word in step.told], step.remark)
                for step in model.now.steps
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
            role = (
                now.pending.role
                if now.pending
                else now.suspended or now.asked or next_role(now.steps)
            )
            assert row["currentRole"] == (None if ended else role)
            assert row["status"] == now.status
            assert row["steps"] == len(now.steps)
            plan = self.rig.thread(id).plan
            assert (plan and plan.remark) == (now.pending and now.pending.remark)

    @invariant()
    def what_was_said_waits_or_was_told_to_one_step(self) -> None:
        for id, model in self.threads.items():
            waits = texts(told.waiting(self.rig.store, id))
            assert waits == [word.text for word in model.waiting]
            heard = [text for step in self.rig.steps(id) for text in texts(step.told)]
            assert Counter(waits + heard) == self.said[id]


def texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


ANSWERS = {
    "done": reply("done", "Written.", file="a.py"),
    "changes": CHANGES,
    "approved": reply("approved"),
}

TestThreads = Threads.TestCase
TestThreads.settings = settings(max_examples=20, stateful_step_count=30)
