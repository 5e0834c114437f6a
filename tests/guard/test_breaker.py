"""Circuit breakers beside a plain model: many processes, dead probes, clocks that jump."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.guard.asking import Processes, Time, bad, end, good, host, refused, request
from uwf.errors import Refused, StoreError
from uwf.guard import breaker
from uwf.guard.backoff import Backoff
from uwf.guard.breaker import Breaker
from uwf.guard.contract import Release
from uwf.guard.counters import hashed
from uwf.record import replace
from uwf.store.owner import Owner
from uwf.store.sqlite import SqliteStore, open_in_memory

Rules = Breaker.Rules
AGENTS = ("mine", "sh -c 'run it; with \"words\"/and slashes'")
THREADS = tuple(f"T{number}" for number in range(7))
COOLDOWN_S = 1800.0
BACKOFF = Backoff(wake_base_s=60.0, wake_max_s=600.0)


class ModelBreaker:
    def __init__(self) -> None:
        self.state = "closed"
        self.failures = 0
        self.threads: set[str] = set()
        self.opened_ms = 0
        self.probe: Run | None = None


class Run:
    """A step of `thread` in a process, from its admission to its end."""

    def __init__(self, agent: str, thread: str, process: tuple[int, str], release: Any) -> None:
        self.agent, self.thread, self.process, self.release = agent, thread, process, release


class Breakers(RuleBasedStateMachine):
    """What the breakers do, against what three sentences of the specification say."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.time = self.patches.enter_context(Time().patched())
        self.store = open_in_memory()
        self.processes = Processes()
        self.born = 0
        self.living: list[tuple[int, str]] = []
        self.runs: list[Run] = []
        self.model: dict[tuple[str, str | None], ModelBreaker] = {}
        self.events: list[tuple[str, str]] = []

    def teardown(self) -> None:
        self.patches.close()

    @initialize(threshold=st.integers(1, 4))
    def begin(self, threshold: int) -> None:
        self.rules = Rules(threshold=threshold, cooldown_s=COOLDOWN_S)
        for _ in range(3):
            self.be_born()

    def be_born(self) -> None:
        # Two numbers only, so that the pid of a dead process comes back for another one.
        self.born += 1
        self.living.append((self.born % 2 + 100, f"start {self.born}"))

    def of(self, agent: str) -> list[tuple[str | None, ModelBreaker]]:
        return [(which, one) for (whose, which), one in self.model.items() if whose == agent]

    def name(self, agent: str, which: str | None) -> str:
        return agent if which is None else f"{agent}/{which}"

    def expected(self, agent: str) -> str:
        tripped = [(which, one) for which, one in self.of(agent) if one.state != "closed"]
        if not tripped:
            return "pass"
        for which, one in tripped:
            cooldown_s = COOLDOWN_S
            if which in breaker.TRANSIENT:
                probes = one.failures - self.rules.threshold
                cooldown_s = min(BACKOFF.wake_max_s, BACKOFF.wake_base_s * 2**probes)
            if one.state == "open" and abs(self.time.ms - one.opened_ms) < cooldown_s * 1000:
                return "refuse"
            if one.probe is not None and one.probe.process in self.living:
                return "refuse"
        return "probe"

    # What may happen.

    @rule(agent=st.sampled_from(AGENTS), thread=st.sampled_from(THREADS), data=st.data())
    def ask(self, agent: str, thread: str, data: st.DataObject) -> None:
        if any(run.thread == thread for run in self.runs):
            return  # its lock is held
        process = data.draw(st.sampled_from(self.living))
        expected = self.expected(agent)
        try:
            release = self.guard(process).enter(request(agent=agent, thread=thread))
        except Refused as refusal:
            assert refusal.reason == "circuit_open"
            assert expected == "refuse"
            return
        assert expected == ("pass" if release is None else "probe")
        run = Run(agent, thread, process, release)
        self.runs.append(run)
        if expected == "probe":
            for _, one in self.of(agent):
                if one.state != "closed":
                    one.state, one.probe = "half_open", run

    def guard(self, process: tuple[int, str]) -> Breaker:
        owner, is_alive = Owner(*process), self.processes.is_alive
        return Breaker(host(self.store, self.rules, BACKOFF, owner=owner, is_alive=is_alive))

    def tell(self, run: Run, failure: str | None) -> None:
        is_transient = failure in breaker.TRANSIENT
        outcome = good() if failure is None else bad(failure, "why", is_transient=is_transient)
        asked = request(agent=run.agent, thread=run.thread)
        end(self.guard(run.process), outcome, self.store, asked)
        if failure is None:
            self.close(run.agent, lambda one: True)
        elif failure in breaker.ANSWERED:
            self.close(run.agent, lambda one: one.state == "half_open")
        elif failure in breaker.SURE + breaker.LIKELY:
            for which in (failure,) if failure in breaker.TRANSIENT else (None, failure):
                self.count(run, which, failure)

    def close(self, agent: str, which_ones: Any) -> None:
        order = sorted(self.of(agent), key=lambda item: item[0] or "")
        for which, one in order:
            if which_ones(one):
                if one.state != "closed":
                    self.events.append(("circuit_closed", self.name(agent, which)))
                del self.model[agent, which]

    def count(self, run: Run, which: str | None, failure: str) -> None:
        one = self.model.setdefault((run.agent, which), ModelBreaker())
        probe_failed = one.state == "half_open" and one.probe is run
        is_news = failure in breaker.SURE or run.thread not in one.threads
        one.failures += probe_failed or (one.state == "closed" and is_news)
        one.threads.add(run.thread)
        if probe_failed or (one.state == "closed" and one.failures >= self.rules.threshold):
            one.state, one.opened_ms, one.probe = "open", self.time.ms, None
            self.events.append(("circuit_open", self.name(run.agent, which)))

    def let_go(self, run: Run) -> None:
        if run.release is not None:
            run.release()
            run.release()  # a release may be called twice
        for one in self.model.values():
            if one.probe is run:
                one.probe = None
        self.runs.remove(run)

    @precondition(lambda self: self.runs)
    @rule(
        failure=st.sampled_from(
            [
                *(None, None, "spawn_failed", "exit_code", "exit_code", "network", "stall"),
                *("bad_reply", "timeout", "internal"),
            ]
        ),
        data=st.data(),
    )
    def end(self, failure: str | None, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.runs))
        self.tell(run, failure)
        self.let_go(run)

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def be_refused_by_a_later_guard(self, data: st.DataObject) -> None:
        self.let_go(data.draw(st.sampled_from(self.runs)))

    @rule(data=st.data())
    def be_killed(self, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from(self.living))
        self.living.remove(process)
        self.processes.dead.add(process)
        self.runs = [run for run in self.runs if run.process != process]
        self.be_born()

    @rule(seconds=st.sampled_from([1.0, 59.999, 60.0, COOLDOWN_S - 0.001, COOLDOWN_S]))
    def pass_time(self, seconds: float) -> None:
        self.time.pass_s(seconds)

    @rule(seconds=st.sampled_from([-100_000.0, -COOLDOWN_S, -5.0, 5.0, 100_000.0]))
    def jump(self, seconds: float) -> None:
        self.time.jump_s(seconds)

    @rule(agent=st.sampled_from(AGENTS), which=st.sampled_from([None, "exit_code"]))
    def reset_by_hand(self, agent: str, which: str | None) -> None:
        names = [one for one, _ in self.of(agent) if which is None or one == which]
        assert breaker.reset(self.store, self.name(agent, which)) == len(names)
        kept = {id(one) for whose, one in self.of(agent) if whose not in names}
        self.close(agent, lambda one: id(one) not in kept)

    # What must hold.

    @invariant()
    def everybody_sees_the_same(self) -> None:
        seen = {(one.agent, one.failure_class): one for one in breaker.all_of(self.store)}
        assert seen.keys() == self.model.keys()
        for where, one in self.model.items():
            found = seen[where]
            probe, thread = None, None
            if one.probe is not None:
                probe, thread = Owner(*one.probe.process), one.probe.thread
            assert found.state == one.state
            assert (found.probe_thread, found.probe) == (thread, probe)
            if one.state == "closed":
                assert found.failures == one.failures < self.rules.threshold
            else:
                assert found.opened_ms == one.opened_ms

    @invariant()
    def one_probe_at_most_lives(self) -> None:
        for agent in AGENTS:
            probes = [run for run in self.runs if run.release is not None and run.agent == agent]
            open_now = any(one.state != "closed" for _, one in self.of(agent))
            living = [run for run in probes if any(one.probe is run for _, one in self.of(agent))]
            assert len(living) <= 1
            assert open_now or not living

    @invariant()
    def events_are_recorded(self) -> None:
        recorded = [sample.value for sample in self.store.samples(breaker.EVENTS, 0)]
        recorded_at = [sample.at_ms for sample in self.store.samples(breaker.EVENTS, 0)]
        told = [(value["event"], value["breaker"]) for value in recorded]
        assert sorted(told) == sorted(self.events)
        assert recorded_at == sorted(recorded_at)


Breakers.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBreakers = Breakers.TestCase


@pytest.fixture
def fleet(store: SqliteStore, time: Time) -> Iterator[Fleet]:
    yield Fleet(store)


class Fleet:
    """Processes that ask, each with one thread."""

    def __init__(self, store: SqliteStore, rules: Rules | None = None) -> None:
        self.store, self.rules = store, rules or Rules()
        self.processes = Processes()

    def guard(self, pid: int = 1) -> Breaker:
        return Breaker(host(self.store, self.rules, pid=pid, is_alive=self.processes.is_alive))

    def ask(self, pid: int, agent: str = "mine", thread: str | None = None) -> Release | None:
        return self.guard(pid).enter(request(agent=agent, thread=thread or f"T{pid}"))

    def fail(self, thread: str, failure: str = "exit_code") -> None:
        end(self.guard(), bad(failure), self.store, request(thread=thread))

    def open(self) -> None:
        for thread in ("A", "B", "C"):
            self.fail(thread)


@given(
    failures=st.lists(
        st.sampled_from([*breaker.LIKELY, *breaker.ANSWERED, "timeout", "internal"]), max_size=40
    ),
    threshold=st.integers(2, 5),
)
def test_one_bad_thread_never_opens_a_breaker(failures: list[str], threshold: int) -> None:
    fleet = Fleet(open_in_memory(), Rules(threshold=threshold))
    for failure in failures:
        fleet.fail("bad", failure)
    assert fleet.ask(1, thread="healthy") is None


def test_three_threads_that_fail_open_it_and_the_refusal_says_why_and_until_when(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    refusal = refused(lambda: fleet.ask(1))
    assert refusal.message == (
        "agent mine failed 3 times in a row (it crashed); it is left alone for a while; "
        "try again at 2023-11-14T22:43:20Z"
    )
    time.pass_s(1799.999)
    assert refused(lambda: fleet.ask(1)).reason == "circuit_open"
    time.pass_s(0.001)
    assert fleet.ask(1) is not None


def test_until_when_an_agent_is_left_alone_is_what_the_refusal_says(
    fleet: Fleet, time: Time
) -> None:
    def until_ms(agent: str = "mine") -> int | None:
        return breaker.left_alone_until_ms(fleet.store, agent, fleet.rules, BACKOFF)

    assert until_ms() is None
    fleet.open()
    assert until_ms() == refused(lambda: fleet.ask(1)).retry_at_ms
    assert until_ms("other") is None
    time.pass_s(1800)
    assert until_ms() is None, "the next one tries"


def test_another_agent_is_not_concerned(fleet: Fleet) -> None:
    fleet.open()
    assert fleet.ask(1, agent="other") is None


def test_probe_is_one_and_a_dead_one_is_replaced(fleet: Fleet, time: Time) -> None:
    fleet.open()
    time.pass_s(1800)
    assert fleet.ask(1) is not None
    assert "process 1, and its success" in refused(lambda: fleet.ask(2)).message
    time.pass_s(1_000_000)  # however long it takes
    assert refused(lambda: fleet.ask(2)).reason == "circuit_open"
    fleet.processes.dead.add((1, "start 1"))
    assert fleet.ask(2) is not None
    assert refused(lambda: fleet.ask(3)).reason == "circuit_open"


def test_probe_of_another_machine_is_under_way_while_its_thread_is_held(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    time.pass_s(1800)
    there = replace(
        host(fleet.store, fleet.rules, pid=1, is_alive=lambda owner: False),
        owner=Owner(1, "start 1", "there"),
    )
    assert Breaker(there).enter(request(agent="mine", thread="T1")) is not None
    lease = fleet.store.leases.take("T1")
    assert lease is not None
    assert refused(lambda: fleet.ask(2)).reason == "circuit_open"
    fleet.store.leases.release(lease)
    assert fleet.ask(2) is not None


def test_failure_of_a_step_begun_earlier_does_not_decide_for_the_probe(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    time.pass_s(1800)
    assert fleet.ask(1) is not None
    fleet.fail("began an hour ago")
    assert {one.state for one in breaker.all_of(fleet.store)} == {"half_open"}
    fleet.fail("T1")
    assert {one.state for one in breaker.all_of(fleet.store)} == {"open"}


def test_probe_that_timed_out_proves_nothing_and_the_next_one_tries(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    time.pass_s(1800)
    release = fleet.ask(1)
    assert release is not None
    fleet.fail("T1", "timeout")
    release()
    assert fleet.ask(2) is not None


def test_probe_that_was_answered_badly_proves_that_the_agent_answers(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    time.pass_s(1800)
    assert fleet.ask(1) is not None
    fleet.fail("T1", "bad_reply")
    assert fleet.ask(2) is None


def test_clock_that_jumps_back_neither_ends_the_pause_nor_makes_it_endless(
    fleet: Fleet, time: Time
) -> None:
    fleet.open()
    time.jump_s(-10)
    assert refused(lambda: fleet.ask(1)).reason == "circuit_open"
    time.jump_s(-365 * 86_400)
    assert fleet.ask(1) is not None


def test_closing_and_opening_are_on_record_with_their_cause(fleet: Fleet) -> None:
    fleet.open()
    breaker.reset(fleet.store, "mine/exit_code")
    end(fleet.guard(), good(), fleet.store)
    told = [
        (one.value["event"], one.value["breaker"], one.value["cause"])
        for one in fleet.store.samples(breaker.EVENTS, 0)
    ]
    assert told == [
        ("circuit_open", "mine", "it crashed"),
        ("circuit_open", "mine/exit_code", "it crashed"),
        ("circuit_closed", "mine/exit_code", "reset by hand"),
        ("circuit_closed", "mine", "a step went well"),
    ]


def test_long_causes_are_cut_and_old_events_and_counts_forgotten(fleet: Fleet, time: Time) -> None:
    for number in range(50):
        guard = Breaker(host(fleet.store, Rules(threshold=2)))
        for thread in "AB"[: number % 2 + 1]:
            asked = request(agent=f"./run --once {number}", thread=thread)
            end(guard, bad(cause="x" * 100_000), fleet.store, asked)
        time.pass_s(7 * 86_400)
    kept = breaker.all_of(fleet.store)
    assert max(len(one.cause) for one in kept) == 300
    assert sum(one.state == "closed" for one in kept) <= 10
    assert len(fleet.store.samples(breaker.EVENTS, 0)) <= 10


def test_unreadable_breaker_is_named_and_can_be_reset(fleet: Fleet) -> None:
    fleet.open()
    counter = next(name for name, _ in fleet.store.counters(breaker.PREFIX))
    with fleet.store.transaction("test") as tx:
        tx.set_counter(counter, "?")
    with pytest.raises(StoreError, match=counter) as caught:
        fleet.ask(1)
    assert caught.value.hint == f"uwf guard reset {counter}"
    assert breaker.reset(fleet.store, counter) == 1
    assert breaker.reset(fleet.store, "mine") == 1
    assert fleet.ask(1) is None


def test_circuit_of_another_version_is_read_with_its_probe(store: SqliteStore) -> None:
    value = {
        **{"agent": "mine", "failure_class": None, "state": "half_open", "failures": 3},
        **{"threads": ["A", "B"], "changed_ms": 5, "opened_ms": 5, "cause": "it crashed"},
        **{"probe_thread": "T1", "probe_pid": 7, "probe_started": "start 7"},
    }
    with store.transaction("test") as tx:
        tx.set_counter(breaker.PREFIX + hashed("mine"), value)
    (circuit,) = breaker.all_of(store)
    assert (circuit.probe_thread, circuit.probe) == ("T1", Owner(7, "start 7"))
    guard = Breaker(host(store, is_alive=lambda owner: owner.pid != 7))
    release = guard.enter(request(thread="T2"))
    assert release is not None
    release()
    ((_, after),) = store.counters(breaker.PREFIX)
    assert after == {**value, "probe_thread": None, "probe_pid": None, "probe_started": None}


def outage(fleet: Fleet, thread: str, **more: bool) -> None:
    failed = bad("network", "connection refused", is_transient=True, **more)
    end(fleet.guard(), failed, fleet.store, request(thread=thread))


def test_what_an_outage_has_opened_is_probed_soon_and_then_less_often(
    fleet: Fleet, time: Time
) -> None:
    for thread in ("A", "B", "C"):
        outage(fleet, thread)
    for in_flight in range(30):
        outage(fleet, f"began before {in_flight}")
    for delay_s in (30, 60, 120, 240, 480, 960, 1800, 1800):
        time.pass_s(delay_s - 0.001)
        assert refused(lambda: fleet.ask(1)).reason == "circuit_open"
        time.pass_s(0.001)
        release = fleet.ask(1)
        assert release is not None
        outage(fleet, "T1")
        release()
    time.pass_s(1800)
    assert fleet.ask(1) is not None
    end(fleet.guard(), good(), fleet.store, request(thread="T1"))
    assert fleet.ask(2) is None


def test_an_outage_is_held_against_nothing_but_its_own_class(fleet: Fleet) -> None:
    for thread in ("A", "B", "C"):
        outage(fleet, thread)
    assert [one.name for one in breaker.all_of(fleet.store)] == ["mine/network"]


def test_whoever_meets_a_probe_under_way_may_look_again_soon(fleet: Fleet, time: Time) -> None:
    fleet.open()
    time.pass_s(1800)
    fleet.ask(1)
    assert refused(lambda: fleet.ask(2)).retry_at_ms == time.ms + 5000


def test_tries_inside_a_step_count_as_one_and_do_not_refuse_it(fleet: Fleet) -> None:
    for _ in range(3):
        end(fleet.guard(), bad("spawn_failed", is_retried=True), fleet.store)
    assert breaker.all_of(fleet.store) == []
    fleet.open()  # by others, meanwhile
    assert fleet.guard().enter(request(is_retry=True)) is None
    assert refused(lambda: fleet.ask(1)).reason == "circuit_open"
