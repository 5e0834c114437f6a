"""Any order of wishes, runs, kills, refusals and jumps of the clock, against a timer told as plain data."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.helpers.fake_agent import crash, reply, suspend
from tests.helpers.flows import LOOP
from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf import clock
from uwf.engine.chain import thread as threads
from uwf.engine.chain import wake
from uwf.engine.chain.wake import Wake
from uwf.engine.query.home import due
from uwf.engine.run.order import WOKEN
from uwf.errors import Refused
from uwf.guard import pause
from uwf.guard.capacity import machine
from uwf.guard.capacity.machine import Left
from uwf.record import replace
from uwf.store.sqlite import open_in_memory

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
MINUTES = st.integers(-60, 180).map(lambda minutes: minutes * MINUTE_MS)
OTHERS = (wake.PERSON, wake.DEADLINE, wake.COLLABORATION, wake.ECONOMY)
ON, OFF, ASKS, FAILS = reply("on"), reply("off"), suspend("which way?"), crash("it broke")
ENDS = {"off": OFF, "asks": ASKS, "fails": FAILS}
OUTAGE = crash("Error: connect ECONNREFUSED 127.0.0.1:443")


class Killed(BaseException):
    """As SIGKILL leaves things."""


class Timers(RuleBasedStateMachine):
    """One thread. `timer` is what it is to wake for, as (time, kind); `woken`: a run of a timer was killed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Ticking()
        self._real = clock.now_ms, machine.look
        clock.now_ms = self.clock
        machine.look = lambda home: Left(None, None, None, None)
        self.rig = Rig(open_in_memory(home=self.folder.name), self.folder.name, lenient=True)
        config = self.rig.engine.config
        rules = {**config.settings, "retry": {"give_up_s": None}}
        config = replace(config, settings=rules, retry=replace(config.retry, attempts=0))
        self.rig.engine = replace(self.rig.engine, config=config)
        self.timer: tuple[int, str] | None = None
        self.woken = self.is_cancelled = False

    def teardown(self) -> None:
        clock.now_ms, machine.look = self._real
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.id = self.rig.start(LOOP)

    # What others do.

    def _wish(self, in_ms: int, kind: str) -> None:
        at_ms = self.clock() + in_ms + MINUTE_MS // 2  # no look comes as close to it as this
        with self.rig.store.transaction("test") as tx:
            threads.wake_by(tx, self.id, Wake(at_ms, kind, "a word"))
        if self.timer is None or at_ms < self.timer[0]:
            self.timer = at_ms, kind

    @precondition(lambda self: not self.is_cancelled)
    @rule(in_ms=MINUTES, kind=st.sampled_from(OTHERS))
    def wish(self, in_ms: int, kind: str) -> None:
        self._wish(in_ms, kind)

    @rule(by_ms=st.integers(1, 240).map(lambda minutes: minutes * MINUTE_MS))
    def pass_time(self, by_ms: int) -> None:
        self.clock.ms += by_ms

    # Runs. Each takes the timer away as it begins, and keeps what is wished for while it goes on.

    def _takes_over(self) -> None:
        self.timer, self.woken = None, False

    def _meanwhile(self, answer: Any, wishes: list[tuple[int, str]]) -> Any:
        def say(_request: Any) -> Any:
            for in_ms, kind in wishes:
                self._wish(in_ms, kind)
            return answer

        return say

    WISHES = st.lists(
        st.tuples(st.sampled_from([HOUR_MS, 2 * HOUR_MS]), st.sampled_from(OTHERS)), max_size=2
    )

    @precondition(lambda self: not self.is_cancelled)
    @rule(end=st.sampled_from([*ENDS, "on"]), wishes=WISHES)
    def run_by_hand(self, end: str, wishes: list[tuple[int, str]]) -> None:
        verb = "exec" if self.rig.thread(self.id).status == "idle" else "resume"
        self._takes_over()
        answer = ENDS.get(end, ON)
        self.rig.run(self.id, verb, self._meanwhile(answer, wishes))

    @precondition(lambda self: not self.is_cancelled)
    @rule(wishes=WISHES, end=st.sampled_from(list(ENDS)))
    def run_if_due(self, wishes: list[tuple[int, str]], end: str) -> None:
        """What whoever runs what is due does: two steps, and the end."""
        if not self._is_due():
            assert self.rig.run(self.id, WOKEN) == []
            return
        self._takes_over()
        answers = (self._meanwhile(ON, wishes), ON, ENDS[end])
        self.rig.run(self.id, WOKEN, *answers, count=None)

    @precondition(lambda self: not self.is_cancelled)
    @rule(wishes=WISHES, steps=st.integers(0, 2))
    def run_if_due_and_die(self, wishes: list[tuple[int, str]], steps: int) -> None:
        if not self._is_due():
            return
        self.timer, self.woken = None, True
        answers = (*[ON] * steps, self._meanwhile(Killed(), wishes))
        with pytest.raises(Killed):
            self.rig.run(self.id, WOKEN, *answers, count=None)

    @precondition(lambda self: not self.is_cancelled)
    @rule()
    def be_refused_for_an_hour(self) -> None:
        """An agent that is paused: by hand, or by whoever runs what is due."""
        is_due, is_idle = self._is_due(), self.rig.thread(self.id).status == "idle"
        until_ms = self.clock() + HOUR_MS
        name = pause.of_agent("fake")
        pause.turn_on(self.rig.store, name, "fake", until_ms=until_ms, why="its limit")
        verb = WOKEN if is_due else "exec" if is_idle else "resume"
        with pytest.raises(Refused):
            self.rig.run(self.id, verb)
        pause.turn_off(self.rig.store, name)
        if not is_due:
            return  # who types it is told, and it changes nothing
        kind = wake.RECOVERY
        if not self.woken:
            assert self.timer is not None
            kind = self.timer[1]
        if self.timer is not None and self.timer[0] <= self.clock.ms:
            self.timer = None
        self.woken = False
        if self.timer is None or until_ms < self.timer[0]:
            self.timer = until_ms, kind

    @precondition(lambda self: not self.is_cancelled)
    @rule()
    def fail_as_time_cures(self) -> None:
        verb = "exec" if self.rig.thread(self.id).status == "idle" else "resume"
        with pytest.raises(Refused) as refused:
            self.rig.run(self.id, verb, OUTAGE)
        self._takes_over()
        assert refused.value.retry_at_ms is not None
        self.timer = refused.value.retry_at_ms, wake.RECOVERY

    @precondition(lambda self: not self.is_cancelled)
    @rule()
    def cancel(self) -> None:
        if self.rig.thread(self.id).status == "completed":
            return
        self.rig.cancel(self.id)
        self._takes_over()
        self.is_cancelled = True

    # What holds.

    def _is_due(self) -> bool:
        return self.woken or (self.timer is not None and self.timer[0] <= self.clock.ms)

    @invariant()
    def it_is_the_earliest_wish_since_the_last_run_began(self) -> None:
        found = wake.of(self.rig.ref(self.id).tags, self.id)
        assert (None if found is None else (found.at_ms, found.kind)) == self.timer
        assert ("wokenFor" in self.rig.ref(self.id).tags) == self.woken

    @invariant()
    def who_is_due_is_found(self) -> None:
        now_ms = self.clock.ms
        listed = due.due(self.rig.store, now_ms, look_ahead=False)
        assert [each.thread for each in listed.threads] == [self.id] * self._is_due()
        if self.timer is not None and not self._is_due():
            assert listed.next_ms == self.timer[0]


TestTimers = Timers.TestCase
TestTimers.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
