"""The success rate beside a plain model: windows that end on the millisecond, clocks that jump, one probe."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.guard.asking import Time, bad, end, good, host, refused, request
from uwf.display import guards
from uwf.display.times import Times
from uwf.errors import Refused
from uwf.guard import success_rate
from uwf.guard.success_rate import SuccessRate
from uwf.store.sqlite import SqliteStore, open_in_memory

AGENTS = ("mine", "sh -c 'anything/at all'")
WORKFLOWS = ("flow", "other flow")
Rules = SuccessRate.Rules
RULES = Rules(window_s=100.0, min_rate=0.3, min_sample=4, probe_every_s=30.0)
WINDOW_MS, EVERY_MS = 100_000, 30_000


class Probe:
    def __init__(self, at_ms: int) -> None:
        self.at_ms, self.ended = at_ms, False


class Statistics(RuleBasedStateMachine):
    """The model keeps every sample for ever, and moves those from the future to the present at each end of a step."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.time = self.patches.enter_context(Time().patched())
        self.store = open_in_memory()
        self.guard = SuccessRate(host(self.store, RULES))
        self.latest_ms = 0
        self.samples: list[tuple[int, str, str, str | None]] = []
        self.probes: dict[str, Probe] = {}
        self.held: list[tuple[str, Probe, Any]] = []

    def teardown(self) -> None:
        self.patches.close()

    def window(self, agent: str | None = None) -> list[tuple[int, str, str, str | None]]:
        return [
            sample
            for sample in self.samples
            if self.time.ms - sample[0] < WINDOW_MS and agent in (None, sample[1])
        ]

    @rule(
        agent=st.sampled_from(AGENTS),
        workflow=st.sampled_from(WORKFLOWS),
        failure=st.sampled_from([None, "exit_code", "exit_code", "timeout"]),
    )
    def end(self, agent: str, workflow: str, failure: str | None) -> None:
        outcome = good() if failure is None else bad(failure)
        end(self.guard, outcome, self.store, request(agent=agent, workflow=workflow))
        now_ms = self.time.ms
        self.samples = [
            (min(at_ms, now_ms) if whose == agent else at_ms, whose, *rest)
            for at_ms, whose, *rest in self.samples
        ]
        self.samples.append((now_ms, agent, workflow, failure))
        self.latest_ms = max(self.latest_ms, now_ms)
        if agent in self.probes:
            self.probes[agent].ended = True

    @rule(agent=st.sampled_from(AGENTS))
    def ask(self, agent: str) -> None:
        window = self.window(agent)
        good = sum(failure is None for *_, failure in window)
        healthy = len(window) < 4 or good / len(window) >= 0.3
        last = self.probes.get(agent)
        may_probe = last is None or abs(self.time.ms - last.at_ms) >= EVERY_MS
        try:
            release = self.guard.enter(request(agent=agent))
        except Refused as refusal:
            assert refusal.reason == "low_success_rate"
            assert not healthy and not may_probe
            return
        assert healthy or may_probe
        assert (release is None) == healthy
        if not healthy:
            self.probes[agent] = Probe(self.time.ms)
            self.held.append((agent, self.probes[agent], release))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        agent, probe, release = held
        release()
        release()
        if self.probes.get(agent) is probe and not probe.ended:
            del self.probes[agent]

    @rule(seconds=st.sampled_from([0.001, 1.0, 29.999, 30.0, 99.999, 100.0]))
    def pass_time(self, seconds: float) -> None:
        self.time.pass_s(seconds)

    @rule(seconds=st.sampled_from([1.0, 50.0, 100_000.0]))
    def jump_ahead(self, seconds: float) -> None:
        self.time.jump_s(seconds)

    @rule(seconds=st.sampled_from([1.0, 50.0, 150.0, 1_000_000.0]))
    def jump_back(self, seconds: float) -> None:
        forgotten_ms = self.latest_ms - 2 * WINDOW_MS
        if min((at_ms for at_ms, *_ in self.samples), default=forgotten_ms) >= forgotten_ms:
            self.time.jump_s(-seconds)  # else to a time of which samples may be gone

    @invariant()
    def figures_are_those_of_the_window(self) -> None:
        for place, by in ((1, "agent"), (2, "workflow")):
            found = {one.name: one for one in success_rate.figures(self.store, RULES, by=by)}
            names = Counter(sample[place] for sample in self.window())
            assert {name: one.attempts for name, one in found.items()} == names
            for name, one in found.items():
                failures = [sample[3] for sample in self.window() if sample[place] == name]
                good = failures.count(None)
                assert one.successes == good
                assert one.rate == (good / len(failures) if len(failures) >= 4 else None)
                assert one.reasons == Counter(one for one in failures if one is not None)
                assert sum(one.trend) == one.attempts


Statistics.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestStatistics = Statistics.TestCase


def end_many(store: SqliteStore, well: int, badly: int, agent: str = "mine") -> None:
    with store.transaction("test") as tx:
        for outcome in [good()] * well + [bad()] * badly:
            SuccessRate(host(store)).ended(tx, request(agent=agent), outcome)


@pytest.fixture
def guard(store: SqliteStore, time: Time) -> SuccessRate:
    return SuccessRate(host(store))


def test_a_sample_counts_until_exactly_the_end_of_its_window(
    store: SqliteStore, time: Time
) -> None:
    end_many(store, 1, 0)
    time.pass_s(3599.999)
    assert [one.attempts for one in success_rate.figures(store, Rules(), by="agent")] == [1]
    time.pass_s(0.001)
    assert success_rate.figures(store, Rules(), by="agent") == []


def test_with_few_samples_the_rate_is_unknown_and_nobody_is_refused(
    store: SqliteStore, guard: SuccessRate
) -> None:
    end_many(store, 0, 9)
    assert [one.rate for one in success_rate.figures(store, Rules(), by="agent")] == [None]
    assert guard.enter(request()) is None


def test_rate_of_exactly_the_least_is_enough(store: SqliteStore, guard: SuccessRate) -> None:
    end_many(store, 3, 7)
    assert guard.enter(request()) is None
    end_many(store, 0, 1)
    assert guard.enter(request()) is not None  # a probe


def test_status_names_the_agents_that_are_refused(store: SqliteStore, guard: SuccessRate) -> None:
    end_many(store, 3, 7)
    assert guard.status().lines == ()
    end_many(store, 1, 9, agent="worse")
    [line] = guard.status().lines
    assert guards.row(line, Times(0), bar=False) == (
        *("success of worse", "10%", "at least 30%", ""),
        "one step in 5m tries it",
    )
    assert guard.status().facts == {"lowSuccess": [{"agent": "worse", "rate": 0.1, "attempts": 10}]}


def test_one_probe_passes_every_five_minutes(
    store: SqliteStore, guard: SuccessRate, time: Time
) -> None:
    end_many(store, 1, 9)
    assert guard.enter(request()) is not None
    end_many(store, 0, 1)  # and fails
    refusal = refused(lambda: guard.enter(request()))
    assert refusal.message == (
        "agent mine succeeded in 1 of its last 11 steps, less than 30%; one step in 5m tries it; "
        "try again at 2023-11-14T22:18:20Z"
    )
    time.pass_s(299.999)
    assert refused(lambda: guard.enter(request())).reason == "low_success_rate"
    time.pass_s(0.001)
    assert guard.enter(request()) is not None
    assert refused(lambda: guard.enter(request())).reason == "low_success_rate"
    assert guard.enter(request(agent="other")) is None


def test_probe_that_another_guard_refused_is_not_lost(
    store: SqliteStore, guard: SuccessRate
) -> None:
    end_many(store, 0, 10)
    release = guard.enter(request())
    assert release is not None
    release()
    assert guard.enter(request()) is not None


def test_probe_that_came_to_an_end_was_one(store: SqliteStore, guard: SuccessRate) -> None:
    end_many(store, 0, 10)
    release = guard.enter(request())
    assert release is not None
    end_many(store, 0, 1)
    release()
    assert refused(lambda: guard.enter(request())).reason == "low_success_rate"


def test_clock_that_jumps_back_lets_no_second_probe_through_nor_keeps_all_out(
    store: SqliteStore, guard: SuccessRate, time: Time
) -> None:
    end_many(store, 0, 10)
    assert guard.enter(request()) is not None
    time.jump_s(-1)
    assert refused(lambda: guard.enter(request())).reason == "low_success_rate"
    time.jump_s(-365 * 86_400)
    assert guard.enter(request()) is not None


def test_clock_that_jumped_ahead_for_a_moment_does_not_keep_failures_alive(
    store: SqliteStore, guard: SuccessRate, time: Time
) -> None:
    time.jump_s(365 * 86_400)
    end_many(store, 0, 10)
    time.jump_s(-365 * 86_400)
    release = guard.enter(request())
    assert release is not None  # they count as of now,
    end_many(store, 0, 1)
    release()
    time.pass_s(3600)
    assert guard.enter(request()) is None  # and not for another year


def test_samples_and_probes_of_agents_that_nobody_uses_do_not_pile_up(
    store: SqliteStore, guard: SuccessRate, time: Time
) -> None:
    for number in range(40):
        agent = f"./run --once {number}"
        end_many(store, 0, 10, agent)
        assert guard.enter(request(agent=agent)) is not None
        time.pass_s(7 * 86_400)
    assert len(store.samples(success_rate.STEPS, 0)) <= 20
    assert len(store.counters(success_rate.PROBES)) <= 6


def test_trend_has_the_attempts_of_each_twelfth_oldest_first(
    store: SqliteStore, time: Time
) -> None:
    end_many(store, 1, 0)
    time.pass_s(3000)
    end_many(store, 1, 1)
    time.pass_s(599.999)
    (figures,) = success_rate.figures(store, Rules(), by="workflow")
    assert figures.trend == (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0)


def test_what_time_alone_cures_is_shown_and_refuses_nobody(
    store: SqliteStore, guard: SuccessRate
) -> None:
    end_many(store, well=2, badly=0)
    for _ in range(50):
        end(guard, bad("network", is_transient=True), store)
    guard.enter(request())
    (figures,) = success_rate.figures(store, Rules(min_sample=2), by="agent")
    assert (figures.attempts, figures.successes, figures.rate) == (52, 2, 1.0)
    assert figures.reasons == {"network": 50}


def test_tries_inside_a_step_count_once_and_never_refuse_it(
    store: SqliteStore, guard: SuccessRate
) -> None:
    for _ in range(50):
        end(guard, bad("spawn_failed", is_retried=True), store)
    assert success_rate.figures(store, RULES, by="agent") == []
    end_many(store, well=0, badly=20)
    assert guard.enter(request()) is not None, "the probe"
    assert refused(lambda: guard.enter(request())).reason == "low_success_rate"
    assert guard.enter(request(is_retry=True)) is None
