"""Events, runs, kills and words in any order, beside a plain model: nobody is told twice or never, nobody sleeps on.

A kill is an exception at a named point: the transaction it falls into is undone, as when a process dies.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine.events.conftest import Desk
from tests.helpers.fake_agent import crash
from tests.helpers.rig import CHANGES, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf import points
from uwf.engine.actions import tell
from uwf.engine.chain.word import PERSON, Word
from uwf.guard.capacity.machine import Left
from uwf.store.sqlite import open_in_memory
from uwf.trust import OWNER

LABELS = st.sampled_from(["one", "two"])
KINDS = st.sampled_from(["hard", "hard", "slow", "shut", "begin", "nobody"])
POINTS = st.sampled_from(["event: told", "event: woken", "event: thread made"])
DEBOUNCE_MS = 60_000


class Killed(BaseException):
    """The process is gone."""


class Model:
    """What should be so, in as few words as possible. Times are epoch ms."""

    def __init__(self) -> None:
        self.waits: dict[str, list[str]] = {}
        self.told: dict[str, list[str]] = {}
        self.wakes: dict[str, int | None] = {}
        self.windows: dict[str, int] = {}
        self.open: list[tuple[str, str, str]] = []
        self.begun: list[str] = []

    def decide(self, now_ms: int) -> None:
        for kind, label, text in self.open:
            if kind == "begin":
                self.begun.append(text)
            if kind not in ("hard", "slow"):
                continue
            self.waits[label].append(text)
            wake_ms = now_ms
            if kind == "slow":
                ends_ms = self.windows.get(label, 0)
                wake_ms = ends_ms if ends_ms > now_ms else now_ms + DEBOUNCE_MS
                self.windows[label] = wake_ms
            there_ms = self.wakes[label]
            self.wakes[label] = wake_ms if there_ms is None else min(there_ms, wake_ms)
        self.open.clear()

    def step(self, label: str) -> None:
        self.told[label] += self.waits[label]
        self.waits[label] = []


class Events(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.clock = mock.patch("uwf.clock.now_ms", Ticking())
        self.clock.start()
        self.calm = mock.patch(
            "uwf.guard.capacity.machine.look", lambda home: Left(None, None, None, None)
        )
        self.calm.start()
        self.folder = tempfile.TemporaryDirectory()
        home = self.folder.name
        self.desk = Desk(Rig(open_in_memory(home=home), home, lenient=True))
        find = {"find": {"me": "{{ data.me }}"}, "text": "{{ data.text }}"}
        self.desk.on("hard", **find)
        self.desk.on("slow", debounce_s=DEBOUNCE_MS / 1000, **find)
        self.desk.on("shut", when="data.text == 'x'", **find)
        self.desk.on("begin", start="pair", cwd="/", prompt="{{ data.text }}")
        self.model = Model()
        self.threads = {label: self.desk.thread(me=label) for label in ("one", "two")}
        self.role = dict.fromkeys(self.threads, "writer")
        for label in self.threads:
            self.model.waits[label], self.model.told[label] = [], []
            self.model.wakes[label] = None
        self.sent: list[Any] = []

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.stop()
            self.calm.stop()
            self.folder.cleanup()

    @rule(kind=KINDS, label=LABELS)
    def an_event_is_taken(self, kind: str, label: str) -> None:
        text = f"{kind} {len(self.sent)}"
        event = self.desk.event(kind, data={"me": label, "text": text})
        self.sent.append(event)
        assert [one.state for one in self.desk.take(event)] == ["new"]
        self.model.open.append((kind, label, text))

    @rule(data=st.data())
    def an_event_comes_again(self, data: st.DataObject) -> None:
        if self.sent:
            event = data.draw(st.sampled_from(self.sent))
            assert [one.state for one in self.desk.take(event)] == ["seen"]

    @rule()
    def all_is_decided(self) -> None:
        self.desk.decide()
        self.model.decide(self.desk.now_ms)

    @rule(point=POINTS, times=st.integers(1, 3))
    def whoever_decides_is_killed_and_another_goes_on(self, point: str, times: int) -> None:
        left = times

        def at(name: str) -> None:
            nonlocal left
            left -= name == point
            if name == point and left == 0:
                raise Killed

        with mock.patch.object(points, "at", at), suppress(Killed):
            self.desk.decide()
        self.desk.decide()
        self.model.decide(self.desk.now_ms)

    @rule(label=LABELS)
    def a_person_says_something(self, label: str) -> None:
        self.desk.later(0.001)
        text = f"at {self.desk.now_ms}"
        word = Word(text, PERSON, OWNER, self.desk.now_ms)
        tell.tell(self.desk.rig.store, self.threads[label], word)
        self.model.waits[label].append(text)

    @rule(label=LABELS)
    def a_step_is_made(self, label: str) -> None:
        thread = self.threads[label]
        answer = WROTE if self.role[label] == "writer" else CHANGES
        self.desk.rig.run(thread, self._verb(thread), answer, count=1)
        self.role[label] = "reviewer" if self.role[label] == "writer" else "writer"
        self.model.step(label)
        self.model.wakes[label] = None

    @rule(label=LABELS)
    def a_step_fails(self, label: str) -> None:
        thread = self.threads[label]
        self.desk.rig.run(thread, self._verb(thread), crash("boom"))
        self.model.wakes[label] = None

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.desk.later(seconds)

    def _verb(self, thread: str) -> str:
        return "resume" if self.desk.rig.ref(thread).tags["status"] == "suspended" else "exec"

    @invariant()
    def what_waits_is_what_should(self) -> None:
        if not hasattr(self, "threads"):
            return
        for label, thread in self.threads.items():
            assert sorted(self.desk.told(thread)) == sorted(self.model.waits[label])
            steps = self.desk.rig.steps(thread)
            told = [word.text for step in steps for word in step.told]
            assert sorted(told) == sorted(self.model.told[label])

    @invariant()
    def who_should_wake_does(self) -> None:
        if not hasattr(self, "threads"):
            return
        for label, thread in self.threads.items():
            found = self.desk.wake(thread)
            assert (None if found is None else found.at_ms) == self.model.wakes[label]

    @invariant()
    def threads_begin_once(self) -> None:
        if not hasattr(self, "threads"):
            return
        others = [id for id in self.desk.threads() if id not in self.threads.values()]
        tasks = [self.desk.rig.views.thread(self.desk.rig.ref(id)).prompt for id in others]
        assert sorted(tasks) == sorted(self.model.begun)


TestEvents = Events.TestCase
TestEvents.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
