"""Switches: drain, pause, and agents that are paused, beside a plain model."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.guard.asking import Time, bad, end, good, host, refused, request
from uwf.errors import Refused, StoreError
from uwf.guard import pause as switch
from uwf.guard.pause import AgentPaused, Draining, Paused
from uwf.store.sqlite import SqliteStore, open_in_memory

AGENTS = ("mine", "claude -p 'do it' --model \"x\"/é")
GUARDS = {"drain": (Draining, switch.DRAIN), "pause": (Paused, switch.PAUSE)}
ENDS_S = st.sampled_from([None, -5, 0, 60, 3600])
FOREVER = float("inf")


class Switches(RuleBasedStateMachine):
    """The model is the end of what is on: nothing is on when its end has come.

    Nor what began further ahead than it was to last: only a clock that was set back explains that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.time = self.patches.enter_context(Time().patched())
        self.store = open_in_memory()
        self.ends: dict[str, float] = {}
        self.begins: dict[str, float] = {}

    def teardown(self) -> None:
        self.patches.close()

    def is_on(self, name: str) -> bool:
        began, end = self.begins.get(name, 0), self.ends.get(name, 0)
        return self.time.ms < end and began - self.time.ms <= end - began

    def until(self, seconds: int | None) -> int | None:
        return None if seconds is None else self.time.ms + seconds * 1000

    @rule(name=st.sampled_from(list(GUARDS)), seconds=ENDS_S)
    def turn_on(self, name: str, seconds: int | None) -> None:
        until_ms = self.until(seconds)
        switch.turn_on(self.store, GUARDS[name][1], name, until_ms=until_ms, why="so")
        self.ends[name] = FOREVER if until_ms is None else until_ms
        self.begins[name] = self.time.ms

    @rule(name=st.sampled_from(list(GUARDS)))
    def turn_off(self, name: str) -> None:
        assert switch.turn_off(self.store, GUARDS[name][1]) == self.is_on(name)
        self.ends.pop(name, None)

    @rule(agent=st.sampled_from(AGENTS), seconds=ENDS_S)
    def pause_by_hand(self, agent: str, seconds: int | None) -> None:
        until_ms = self.until(seconds)
        switch.turn_on(self.store, switch.of_agent(agent), agent, until_ms=until_ms, why="so")
        self.ends[agent] = FOREVER if until_ms is None else until_ms
        self.begins[agent] = self.time.ms

    @rule(agent=st.sampled_from(AGENTS), seconds=ENDS_S)
    def reach_a_limit(self, agent: str, seconds: int | None) -> None:
        until_ms = self.until(seconds)
        with self.store.transaction("test") as tx:
            switch.pause_agent(tx, agent, until_ms=until_ms, why="limit")
        end = FOREVER if until_ms is None else until_ms
        if not self.is_on(agent) or self.ends[agent] < end:
            self.ends[agent], self.begins[agent] = end, self.time.ms

    @rule(agent=st.sampled_from(AGENTS))
    def resume(self, agent: str) -> None:
        assert switch.resume_agent(self.store, agent) == self.is_on(agent)
        self.ends.pop(agent, None)

    @rule(seconds=st.sampled_from([1.0, 59.999, 60.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        self.time.pass_s(seconds)

    @rule(seconds=st.sampled_from([-86_400.0, -60.0, 60.0, 86_400.0]))
    def jump(self, seconds: float) -> None:
        # What a jump may change is what beginning and end say.
        self.time.jump_s(seconds)

    @invariant()
    def guards_refuse_while_it_is_on(self) -> None:
        for name, (guard, _) in GUARDS.items():
            assert refuses(guard(host(self.store)), "mine") == self.is_on(name)
        for agent in AGENTS:
            assert refuses(AgentPaused(host(self.store)), agent) == self.is_on(agent)

    @invariant()
    def what_is_on_is_listed(self) -> None:
        listed = {one.name for one in switch.paused_agents(self.store)}
        assert listed == {agent for agent in AGENTS if self.is_on(agent)}


def refuses(guard: Draining | Paused | AgentPaused, agent: str) -> bool:
    try:
        guard.enter(request(agent=agent))
    except Refused:
        return True
    return False


Switches.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestSwitches = Switches.TestCase


def test_refusals_say_why_and_until_when(store: SqliteStore, time: Time) -> None:
    until_ms = time.ms + 3_600_001
    switch.turn_on(store, switch.DRAIN, "drain", until_ms=None, why="")
    switch.turn_on(store, switch.PAUSE, "pause", until_ms=None, why="the bill is not paid")
    with store.transaction("test") as tx:
        switch.pause_agent(tx, "mine", until_ms=until_ms, why="weekly limit")
    told = [
        refused(lambda guard=guard: guard.enter(request()))  # type: ignore[misc]
        for guard in (Draining(host(store)), Paused(host(store)), AgentPaused(host(store)))
    ]
    assert [(one.reason, one.message, one.hint) for one in told] == [
        ("draining", "no step begins while uwf drains", "uwf guard drain off"),
        ("paused", "everything is paused: the bill is not paid", "uwf guard pause off"),
        (
            "agent_paused",
            # in whole seconds, and never before the end
            "agent mine is paused: weekly limit; try again at 2023-11-14T23:13:21Z",
            "uwf guard pause mine off",
        ),
    ]


def test_limit_of_an_agent_does_not_end_a_pause_by_hand(store: SqliteStore, time: Time) -> None:
    switch.turn_on(store, switch.of_agent("mine"), "mine", until_ms=None, why="by hand")
    with store.transaction("test") as tx:
        switch.pause_agent(tx, "mine", until_ms=time.ms + 1000, why="limit")
    time.pass_s(10)
    assert refused(lambda: AgentPaused(host(store)).enter(request())).reason == "agent_paused"


def test_ends_that_have_come_do_not_pile_up(store: SqliteStore, time: Time) -> None:
    for number in range(100):
        with store.transaction("test") as tx:
            switch.pause_agent(tx, f"./run {number}", until_ms=time.ms + 1000, why="limit")
        time.pass_s(86_400)
    assert len(store.counters(switch.AGENT)) <= 32


@pytest.mark.parametrize("value", ["on", 1, {}, {"name": "drain"}, [1, 2]])
def test_switch_that_cannot_be_read_stops_and_can_be_turned_off(
    store: SqliteStore, value: object
) -> None:
    with store.transaction("test") as tx:
        tx.set_counter(switch.DRAIN, value)
    with pytest.raises(StoreError) as caught:
        Draining(host(store)).enter(request())
    assert caught.value.hint == "uwf guard drain off"
    assert switch.turn_off(store, switch.DRAIN)
    Draining(host(store)).enter(request())


def test_unreadable_switch_of_one_agent_stops_no_other(store: SqliteStore, time: Time) -> None:
    with store.transaction("test") as tx:
        tx.set_counter(switch.of_agent("broken"), "?")
        switch.pause_agent(tx, "mine", until_ms=time.ms + 1000, why="limit")
    assert refused(lambda: AgentPaused(host(store)).enter(request())).reason == "agent_paused"
    AgentPaused(host(store)).enter(request(agent="other"))
    with pytest.raises(StoreError):
        AgentPaused(host(store)).enter(request(agent="broken"))


def test_an_agent_that_reached_its_limit_pauses_itself(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    end(guard, bad("quota", "weekly limit"), store)
    guard.enter(request())
    end(guard, bad("quota", "weekly limit", resets_ms=time.ms + 60_000), store)
    assert "paused: weekly limit" in refused(lambda: guard.enter(request())).message
    time.pass_s(60)
    guard.enter(request())


def test_limit_without_a_time_pauses_for_longer_and_longer(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    lengths = []
    for _ in range(6):
        end(guard, bad("quota", "limit", is_told=True), store)
        [paused] = switch.paused_agents(store)
        assert paused.until_ms is not None
        lengths.append((paused.until_ms - time.ms) // 60_000)
        time.pass_s(lengths[-1] * 60)
        guard.enter(request())
    assert lengths == [5, 10, 20, 40, 60, 60]
    end(guard, good(), store)
    end(guard, bad("quota", "limit", is_told=True), store)
    assert switch.paused_agents(store)[0].until_ms == time.ms + 300_000


def test_pause_that_began_in_the_future_is_over(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    time.jump_s(7 * 86_400)
    end(guard, bad("quota", "limit", resets_ms=time.ms + 90_000), store)
    switch.turn_on(store, switch.PAUSE, "pause", until_ms=time.ms + 90_000, why="")
    assert refuses(guard, "mine")
    time.jump_s(-7 * 86_400)
    for one in (guard, Paused(host(store))):
        assert not refuses(one, "mine")
    assert switch.paused_agents(store) == []


def test_small_correction_of_the_clock_ends_no_pause(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    end(guard, bad("quota", "limit", resets_ms=time.ms + 90_000), store)
    time.jump_s(-5)
    assert refuses(guard, "mine")
    time.pass_s(95)
    assert not refuses(guard, "mine")


def test_pause_from_text_lets_one_step_try_every_hour(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    far_ms = time.ms + 5 * 86_400_000
    end(guard, bad("quota", "limit", resets_ms=far_ms), store)
    told = refused(lambda: guard.enter(request()))
    assert told.retry_at_ms == time.ms + switch.PROBE_MS
    for _ in range(3):
        time.pass_s(3599)
        assert refuses(guard, "mine")
        time.pass_s(1)
        assert not refuses(guard, "mine")
        assert refuses(guard, "mine")
        end(guard, bad("quota", "limit", resets_ms=far_ms), store)
    assert [one.until_ms for one in switch.paused_agents(store)] == [far_ms]


def test_agent_that_answers_its_probe_is_paused_no_longer(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    end(guard, bad("quota", "limit", resets_ms=time.ms + 5 * 86_400_000), store)
    end(guard, good(), store)  # of a step that had begun before
    assert refuses(guard, "mine")
    time.pass_s(3601)
    guard.enter(request())
    end(guard, good(), store)
    assert not refuses(guard, "mine")


def test_pause_by_hand_has_no_probe(store: SqliteStore, time: Time) -> None:
    guard = AgentPaused(host(store))
    for until_ms in (None, time.ms + 5 * 86_400_000):
        switch.turn_on(store, switch.of_agent("mine"), "mine", until_ms=until_ms, why="by hand")
        time.pass_s(7200)
        end(guard, good(), store)
        assert refuses(guard, "mine")
